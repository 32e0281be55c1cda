/** Files for the person: one picture, or the cut-outs of all. */

import { getPicture } from "./api.js";
import { drawCovering } from "./view.js";
import { zip } from "./zip.js";

const KINDS = {
  cutout: { kind: "cutout", query: { bits: 8 }, ending: "cutout.png" },
  alpha8: { kind: "alpha", query: { bits: 8 }, ending: "alpha.png" },
  alpha16: { kind: "alpha", query: { bits: 16 }, ending: "alpha16.png" },
  trimap: { kind: "trimap", query: {}, ending: "trimap.png" },
};

/**
 * Save one picture of a job; `what` is a key of `KINDS`, or "composite", which is put over
 * `behind`: a colour, or a picture that only this page knows.
 */
export async function save(job, what, behind) {
  await job.settled();
  if (what !== "composite") {
    const { kind, query, ending } = KINDS[what];
    offer(await getPicture(job.id, kind, query), named(job, ending));
  } else if (behind instanceof ImageBitmap) {
    offer(await composed(job, behind), named(job, "composite.png"));
  } else {
    const over = behind === "checker" ? "white" : behind;
    offer(await getPicture(job.id, "composite", { over }), named(job, "composite.png"));
  }
}

/** Save the cut-outs of all jobs that have one, as a ZIP file. */
export async function saveAll(jobs) {
  const files = [];
  const names = new Set();
  for (const job of jobs) {
    await job.settled();
    let name = named(job, "cutout.png");
    for (let count = 2; names.has(name); count++) name = named(job, `cutout_${count}.png`);
    names.add(name);
    const file = await getPicture(job.id, "cutout");
    files.push({ name, bytes: new Uint8Array(await file.arrayBuffer()) });
  }
  offer(zip(files), "cutouts.zip");
}

function named(job, ending) {
  return `${job.name.replace(/\.[^.]*$/, "")}_${ending}`;
}

async function composed(job, behind) {
  const cutout = await createImageBitmap(await getPicture(job.id, "cutout"));
  const canvas = document.createElement("canvas");
  canvas.width = cutout.width;
  canvas.height = cutout.height;
  const context = canvas.getContext("2d");
  drawCovering(context, behind, 0, 0, canvas.width, canvas.height);
  context.drawImage(cutout, 0, 0);
  return new Promise((resolve) => canvas.toBlob(resolve));
}

function offer(file, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
