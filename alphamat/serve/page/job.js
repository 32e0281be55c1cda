/** One picture: its job on the server, what is drawn of it, and what is painted on it. */

import * as api from "./api.js";
import { cut, difference, joined, paste } from "./area.js";
import { History } from "./history.js";
import { BACKGROUND, FOREGROUND, Layers } from "./layers.js";
import { decodeGray, encodeGray } from "./png.js";

const POLL = 300; // ms
const REST = 1500; // ms without a stroke, after which the full method runs

/** Return whether a trimap has both foreground and background, so that it decides alpha. */
const isWhole = (trimap) => trimap.includes(FOREGROUND) && trimap.includes(BACKGROUND);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Job {
  #dirty = null; // the rectangle of the trimap that the server does not have yet
  #sending = null; // while strokes are on their way, a promise
  #resting = 0; // the timer
  #run = 0; // the newest request for the full method
  #ahead = false; // whether the server's trimap lacks a change, and no stroke will bring it

  /**
   * @param {File} file
   * @param {(job: Job) => void} changed - called when anything that is shown has changed
   * @param {(sentence: string) => void} complain
   */
  constructor(file, changed, complain) {
    this.file = file;
    this.name = file.name || "picture";
    this.url = URL.createObjectURL(file);
    this.changed = () => changed(this);
    this.complain = complain;
    this.id = null;
    this.facts = { state: "waiting", progress: 0, step: "waiting", warnings: [] };
    /** @type {Layers | null} */
    this.layers = null;
    this.history = new History();
    this.strokes = 0; // how many rectangles have been painted
    this.answered = 0; // how many of them the alpha that is shown takes into account
    this.painting = false; // whether a stroke is being painted now
    this.refining = true; // whether the full method runs when the person rests
    this.took = false; // whether there has been a result
    this.cut = false; // whether that is a cut-out, which can be saved
    this.removed = false;
  }

  get state() {
    return this.facts.state;
  }

  get busy() {
    return ["waiting", "sending", "queued", "running"].includes(this.state);
  }

  /** Show the file, send it, and wait for the first cut-out. */
  async start(options) {
    await this.#show(this.file).catch(() => {}); // of TIFF files, only the server's copy is shown
    this.#tell({ state: "sending", step: "sending the picture" });
    await this.#guarded(async () => {
      this.#tell(await this.#sent(options));
      await this.#result(++this.#run);
    });
  }

  /** Run the full method on what is painted, or with other options. */
  async refine(options = {}) {
    clearTimeout(this.#resting);
    if (!this.took) return;
    const run = ++this.#run;
    await this.#guarded(async () => {
      await this.#sending;
      // Otherwise the server's trimap is at least as new, also by the time the method begins.
      const { trimap, width, height } = this.layers;
      const file = this.#ahead ? await encodeGray(trimap, width, height) : null;
      this.#ahead = false;
      this.#tell(await api.postTrimap(this.id, file, { method: this.method, ...options }));
      await this.#result(run);
    });
  }

  /** Find the foreground anew, in a box [left, top, right, bottom]. */
  async find(box) {
    clearTimeout(this.#resting);
    const run = ++this.#run;
    await this.#guarded(async () => {
      this.#tell(await api.postBox(this.id, box));
      await this.#result(run);
    });
  }

  /** Say that a rectangle of the trimap was painted on: it is drawn, and sent. */
  painted(area) {
    this.layers.drawTint(area);
    this.#dirty = joined(this.#dirty, area);
    this.strokes++;
    clearTimeout(this.#resting);
    this.changed();
    this.#sending ??= this.#send();
  }

  /** Put levels into the trimap, as undo and redo do. */
  put({ area, levels, found }) {
    paste(this.layers.trimap, this.layers.width, area, levels);
    if (found) {
      // The server had found these, all over the picture: too much to be solved as a stroke.
      this.layers.drawTint(area);
      this.#ahead = true;
      this.refine();
    } else {
      this.painted(area);
    }
  }

  /** Let the full method run soon, unless the person paints on. */
  rest() {
    clearTimeout(this.#resting);
    if (this.refining) this.#resting = setTimeout(() => this.refine(), REST);
  }

  /** Wait until the server has all that is painted. */
  async settled() {
    await this.#sending;
  }

  remove() {
    this.removed = true;
    clearTimeout(this.#resting);
    URL.revokeObjectURL(this.url);
    if (this.id) api.deleteJob(this.id).catch(() => {}); // it expires by itself
  }

  async #sent(options) {
    for (;;) {
      try {
        const facts = await api.createJob(this.file, options);
        this.id = facts.id;
        return facts;
      } catch (fault) {
        if (fault.status !== 429 || this.removed) throw fault;
        this.#tell({ step: "waiting for the server" });
        await pause(1000 * Math.max(fault.retryAfter, 1));
      }
    }
  }

  /** Send what is painted, rectangle after rectangle: the newest trimap of each. */
  async #send() {
    while (this.#dirty && this.id && !this.removed) {
      const area = this.#dirty;
      const { strokes } = this;
      this.#dirty = null;
      const { trimap, width } = this.layers;
      try {
        const patch = await encodeGray(cut(trimap, width, area), area.width, area.height);
        const { file, x, y } = await api.postStroke(this.id, patch, area.x, area.y);
        const { levels, ...size } = await decodeGray(file);
        this.layers.pasteAlpha(levels, { x, y, ...size });
        this.answered = strokes;
        this.changed();
      } catch (fault) {
        if (fault.status === 429) {
          this.#dirty = joined(this.#dirty, area);
          await pause(200);
        } else {
          this.#ahead = true;
          this.complain(fault.message);
        }
      }
    }
    this.#sending = null;
    if (!this.painting) this.rest();
  }

  /** Wait until a job is done, and show what it has found, unless a newer one was asked for. */
  async #result(run) {
    const isNewest = () => run === this.#run && !this.removed;
    let facts = this.facts;
    while (isNewest() && ["queued", "running"].includes(facts.state)) {
      await pause(POLL);
      facts = await api.getJob(this.id);
      if (isNewest()) this.#tell({ ...facts, state: "running" });
    }
    if (facts.state === "failed") throw new api.ApiError(facts.error);
    while (isNewest()) {
      await this.#sending;
      const strokes = this.strokes;
      const found = await this.#fetched(facts);
      // What was painted meanwhile is in the server's trimap by now, but not in this one.
      if (strokes !== this.strokes || this.painting) {
        await pause(POLL);
        continue;
      }
      if (isNewest()) {
        this.#take(found);
        this.#tell(facts);
      }
      return;
    }
  }

  async #fetched({ state, width, height }) {
    const kinds = state === "unsure" ? ["trimap"] : ["trimap", "alpha", "cutout"];
    const files = await Promise.all(kinds.map((kind) => api.getPicture(this.id, kind)));
    if (this.layers?.width !== width || this.layers.height !== height) {
      await this.#show(await api.getPicture(this.id, "picture")); // the browser reads it otherwise
    }
    const [trimap, alpha] = await Promise.all(
      files.slice(0, 2).map(async (file) => (await decodeGray(await file.arrayBuffer())).levels),
    );
    return { trimap, alpha, cutout: files[2] && (await createImageBitmap(files[2])) };
  }

  #take({ trimap, alpha, cutout }) {
    const { layers } = this;
    const { width, height, whole } = layers;
    const area = difference(layers.trimap, trimap, width, height);
    if (!isWhole(layers.trimap)) {
      this.history = new History(); // from what was there before, the server would find the same
    } else if (area) {
      const [before, after] = [layers.trimap, trimap].map((levels) => cut(levels, width, area));
      this.history.add({ area, before, after, found: true });
    }
    this.took = true;
    this.cut = Boolean(cutout);
    layers.setTrimap(trimap);
    layers.found = false;
    if (alpha) layers.pasteAlpha(alpha, whole);
    if (cutout) layers.setCutout(cutout);
  }

  async #show(file) {
    const picture = await createImageBitmap(file);
    this.layers = new Layers(picture);
    this.changed();
  }

  async #guarded(work) {
    try {
      await work();
    } catch (fault) {
      if (this.removed) return;
      this.#tell({ state: this.took ? "done" : "failed", error: fault.message });
      this.complain(fault.message);
    }
  }

  #tell(facts) {
    this.facts = { ...this.facts, ...facts };
    this.changed();
  }
}
