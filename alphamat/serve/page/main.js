/** The page: which picture, tool and view are chosen, and what buttons and keys do. */

import * as api from "./api.js";
import { onArrival } from "./arrivals.js";
import { askForToken, followTheme, openHelp } from "./dialogs.js";
import { Job } from "./job.js";
import { onKeys } from "./keys.js";
import { listen } from "./pointer.js";
import { save, saveAll } from "./save.js";
import { sliding } from "./split.js";
import { Strip } from "./strip.js";
import { View } from "./view.js";

const byId = (id) => document.getElementById(id);
const VIEWS = ["cutout", "alpha", "trimap", "picture"];

/** @type {Job[]} */
const jobs = [];
/** @type {Job | null} */
let current = null;
let tool = "foreground";

const view = new View(byId("canvas"));
const strip = new Strip(byId("strip"), choose, remove);
const slider = sliding(byId("split"), view);

api.askForTokenBy(askForToken);
followTheme(byId("theme"));
listen(view, {
  tool: () => tool,
  brush: () => ({ diameter: byId("size").valueAsNumber, hardness: byId("hardness").value / 100 }),
  job: () => current,
  boxed,
  picked,
  painted: showButtons,
});

// Pictures

function add(files) {
  const pictures = [...files].filter((file) => /^image\//.test(file.type) || !file.type);
  if (!pictures.length) {
    if (files.length) say("This is no picture. PNG, JPEG, WebP and TIFF files are.");
    return;
  }
  const added = pictures.map((file) => new Job(file, changed, say));
  for (const job of added) {
    job.method = byId("method").value;
    job.refining = byId("refining").checked;
    jobs.push(job);
    strip.add(job);
  }
  document.body.classList.remove("empty");
  choose(added[0]);
  startInTurn(added);
}

/** Send one picture after the other, so that the first is not slowed down by the last. */
async function startInTurn(added) {
  for (const job of added) {
    const keep = byId("keep").value === "largest" ? "largest" : "all";
    if (!job.removed) await job.start({ method: job.method, keep });
  }
}

function choose(job) {
  current = job;
  strip.mark(job);
  if (job) byId("method").value = job.method;
  changed(job);
}

function remove(job) {
  job.remove();
  strip.drop(job);
  const at = jobs.indexOf(job);
  jobs.splice(at, 1);
  document.body.classList.toggle("empty", !jobs.length);
  if (job === current) choose(jobs[Math.min(at, jobs.length - 1)] ?? null);
  byId("canvas").focus(); // what had the focus is gone
  showButtons();
}

/** Show what has changed of a job. */
function changed(job) {
  if (job) strip.update(job);
  if (job !== current) return;
  view.show(job?.layers ?? null);
  byId("canvas").setAttribute("aria-label", job ? job.name : "No picture yet");
  if (job && job.told !== job.state) {
    job.told = job.state;
    if (job.state === "unsure") unsure(job);
    else if (job.state === "done") done(job);
  }
  showProgress(job);
  showButtons();
}

function unsure(job) {
  setTool("box");
  const reason = job.facts.reason ? `${job.facts.reason} ` : "";
  say(`${reason}Draw a box around the foreground, or paint over a part of it.`);
}

function done(job) {
  const { reason, warnings } = job.facts;
  const doubts = reason ? [`${reason} Paint where the cut-out is wrong.`] : [];
  say([...doubts, ...warnings].join(" "));
}

// Messages

function say(sentence) {
  byId("status").textContent = worded(sentence);
  byId("message").classList.toggle("told", sentence !== "");
}

/** Put what programs call `picture` or `box` into words. */
function worded(sentence) {
  const words = sentence.replace(/`(\w+)`/g, "the $1");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function showProgress(job) {
  const bar = byId("progress");
  const busy = Boolean(job?.busy);
  bar.hidden = !busy;
  if (!busy) return;
  const { step, progress } = job.facts;
  if (progress) bar.value = progress;
  else bar.removeAttribute("value");
  const sentence = `${step[0]?.toUpperCase() ?? ""}${step.slice(1)}…`;
  // Numbers change many times a second, which nobody wants to hear read out.
  if (sentence !== byId("status").textContent && !/[0-9]/.test(step)) say(sentence);
}

function showButtons() {
  byId("undo").disabled = !current?.history.done.length;
  byId("redo").disabled = !current?.history.undone.length;
  byId("refine").disabled = !current?.took;
  for (const button of document.querySelectorAll("[data-save]")) button.disabled = !current?.cut;
  byId("save-all").hidden = jobs.length < 2;
  byId("save-all").disabled = !jobs.some((job) => job.cut);
}

// Tools

function setTool(chosen) {
  tool = chosen;
  press(document.querySelectorAll("[data-tool]"), (button) => button.dataset.tool === chosen);
  if (chosen !== "pick" && byId("keep").value === "pick") byId("keep").value = "all";
}

function setView(chosen) {
  view.mode = chosen;
  press(document.querySelectorAll("[data-view]"), (button) => button.dataset.view === chosen);
  view.redraw();
}

function press(buttons, isPressed) {
  for (const button of buttons) button.setAttribute("aria-pressed", String(isPressed(button)));
}

function setSize(size) {
  byId("size").value = size;
  byId("size-told").value = byId("size").value;
}

function back() {
  follow((history) => history.undo());
}

function forth() {
  follow((history) => history.redo());
}

function follow(turn) {
  const step = current && !current.painting && turn(current.history);
  if (step) current.put(step);
  showButtons();
}

function boxed(box) {
  say("Finding the foreground in the box…");
  current.find(box);
  setTool("foreground");
}

function picked(point) {
  setTool("foreground");
  current.refine({ keep: point });
}

for (const button of document.querySelectorAll("[data-tool]")) {
  button.addEventListener("click", () => setTool(button.dataset.tool));
}
for (const button of document.querySelectorAll("[data-view]")) {
  button.addEventListener("click", () => setView(button.dataset.view));
}
byId("undo").addEventListener("click", back);
byId("redo").addEventListener("click", forth);
byId("compare").addEventListener("click", slider.toggle);
byId("fit").addEventListener("click", () => view.fit());
byId("one").addEventListener("click", () => view.oneToOne());
byId("larger").addEventListener("click", () => view.zoom(1.25));
byId("smaller").addEventListener("click", () => view.zoom(1 / 1.25));
byId("help").addEventListener("click", openHelp);
byId("adjust").addEventListener("click", () => {
  const open = document.body.classList.toggle("adjusting");
  byId("adjust").setAttribute("aria-expanded", String(open));
});
view.moved = () => {
  byId("scale").value = `${Math.round(100 * view.scale * devicePixelRatio)} %`;
  slider.place();
};

// Panel

byId("size").addEventListener("input", () => setSize(byId("size").value));
byId("hardness").addEventListener("input", () => {
  byId("hardness-told").value = byId("hardness").value;
});

function setBehind(behind, pressed) {
  view.behind = behind;
  press([...byId("behind").querySelectorAll("button"), byId("own")], (b) => b === pressed);
  setView("cutout");
}
for (const button of byId("behind").querySelectorAll("button")) {
  button.addEventListener("click", () => setBehind(button.dataset.behind, button));
}
byId("colour").addEventListener("input", () => setBehind(byId("colour").value, null));
byId("own").addEventListener("click", () => byId("own-file").click());
byId("own-file").addEventListener("change", async () => {
  try {
    setBehind(await createImageBitmap(byId("own-file").files[0]), byId("own"));
  } catch {
    say("This background cannot be read; PNG, JPEG and WebP files can.");
  }
});

byId("method").addEventListener("change", () => {
  showMethod();
  if (!current) return;
  current.method = byId("method").value;
  current.refine();
});
byId("keep").addEventListener("change", () => {
  const keep = byId("keep").value;
  if (keep === "pick") {
    setTool("pick");
    say("Click the object that you want to keep.");
  } else if (keep === "largest") {
    current?.refine({ keep });
  }
});
byId("refining").addEventListener("change", () => {
  for (const job of jobs) job.refining = byId("refining").checked;
});
byId("refine").addEventListener("click", () => current?.refine());

// After a choice by mouse, keys belong to the picture again, and not to the list.
for (const list of document.querySelectorAll("select")) {
  let byMouse = false;
  list.addEventListener("pointerdown", () => (byMouse = true));
  list.addEventListener("keydown", () => (byMouse = false));
  list.addEventListener("change", () => {
    if (byMouse) byId("canvas").focus();
  });
}

let methods = [];

function showMethod() {
  const chosen = methods.find(({ name }) => name === byId("method").value);
  byId("about").textContent = chosen?.about ?? "";
}

async function listMethods() {
  methods = await api.getMethods();
  const options = methods.map(({ name }) => new Option(name, name, false, name === "learned"));
  byId("method").replaceChildren(...options);
  showMethod();
}
listMethods().catch((fault) => say(fault.message));

// Saving

async function guarded(work) {
  try {
    await work();
  } catch (fault) {
    say(fault.message);
  }
}
for (const button of document.querySelectorAll("[data-save]")) {
  button.addEventListener("click", () =>
    guarded(() => save(current, button.dataset.save, view.behind)),
  );
}
byId("save-all").addEventListener("click", () =>
  guarded(() => saveAll(jobs.filter((job) => job.cut))),
);

onArrival(add);

const KEYS = {
  1: () => setTool("foreground"),
  2: () => setTool("background"),
  3: () => setTool("unknown"),
  b: () => setTool("box"),
  h: () => setTool("hand"),
  "[": () => setSize(byId("size").valueAsNumber / 1.2),
  "]": () => setSize(byId("size").valueAsNumber * 1.2),
  z: back,
  Z: forth,
  y: forth,
  v: () => setView(VIEWS[(VIEWS.indexOf(view.mode) + 1) % VIEWS.length]),
  c: slider.toggle,
  f: () => view.fit(),
  0: () => view.oneToOne(),
  "+": () => view.zoom(1.25),
  "-": () => view.zoom(1 / 1.25),
  "?": openHelp,
};
onKeys(KEYS, view);
showButtons();
