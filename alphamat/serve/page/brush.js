/** One stroke of the brush, from pen down to pen up, drawn into a trimap. */

import { cut, joined } from "./area.js";
import { UNKNOWN } from "./layers.js";

export class Stroke {
  /**
   * @param {import("./layers.js").Layers} layers
   * @param {number} level - what is painted: background, unknown or foreground
   * @param {number} hardness - the share of the radius that is painted so; the rim gets unknown
   */
  constructor(layers, level, hardness) {
    this.layers = layers;
    this.level = level;
    this.hardness = level === UNKNOWN ? 1 : hardness;
    this.before = layers.trimap.slice();
    // A rim must not cover what the same stroke has painted for certain.
    this.certain = this.hardness < 1 ? new Uint8Array(layers.trimap.length) : null;
    this.last = null;
    this.area = null;
  }

  /** Go on to a point, and return the rectangle that changed. */
  to(x, y, radius) {
    const from = this.last ?? { x, y, radius };
    this.last = { x, y, radius };
    const area = this.#fill(from, this.last);
    this.area = joined(this.area, area);
    return area;
  }

  /** Return what the history keeps, or null if nothing was painted. */
  entry() {
    const { layers, area } = this;
    if (!area) return null;
    const [before, after] = [this.before, layers.trimap].map((v) => cut(v, layers.width, area));
    return before.every((level, i) => level === after[i]) ? null : { area, before, after };
  }

  /** Take back all that was painted, and return its rectangle. */
  cancel() {
    this.layers.trimap.set(this.before);
    return this.area;
  }

  /** Paint all pixels near the line between two points; the radius changes along it. */
  #fill(a, b) {
    const { width, height, trimap } = this.layers;
    const most = Math.max(a.radius, b.radius);
    const left = Math.max(Math.floor(Math.min(a.x, b.x) - most), 0);
    const top = Math.max(Math.floor(Math.min(a.y, b.y) - most), 0);
    const right = Math.min(Math.ceil(Math.max(a.x, b.x) + most), width);
    const bottom = Math.min(Math.ceil(Math.max(a.y, b.y) + most), height);
    if (left >= right || top >= bottom) return null;
    const [dx, dy] = [b.x - a.x, b.y - a.y];
    const length = dx * dx + dy * dy;
    for (let y = top; y < bottom; y++) {
      for (let x = left; x < right; x++) {
        const [px, py] = [x + 0.5 - a.x, y + 0.5 - a.y];
        const along = length ? Math.min(Math.max((px * dx + py * dy) / length, 0), 1) : 0;
        const radius = Math.max(a.radius + along * (b.radius - a.radius), 0.71); // a pixel at least
        const distance = Math.hypot(px - along * dx, py - along * dy);
        const at = y * width + x;
        if (distance <= this.hardness * radius) {
          trimap[at] = this.level;
          if (this.certain) this.certain[at] = 1;
        } else if (distance <= radius && !this.certain?.[at]) {
          trimap[at] = UNKNOWN;
        }
      }
    }
    return { x: left, y: top, width: right - left, height: bottom - top };
  }
}
