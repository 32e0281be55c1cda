/** What was painted, so that it can be undone and done again. */

const MOST_BYTES = 150_000_000;

/**
 * @typedef {{x: number, y: number, width: number, height: number}} Rectangle
 * @typedef {{area: Rectangle, before: Uint8Array, after: Uint8Array, found?: boolean}} Entry
 *   `found` tells what the server has found from what was painted
 */

export class History {
  /** @type {Entry[]} */
  done = [];
  /** @type {Entry[]} */
  undone = [];

  /** @param {Entry} entry */
  add(entry) {
    this.undone = [];
    this.done.push(entry);
    let bytes = this.done.reduce((sum, { before }) => sum + 2 * before.length, 0);
    while (bytes > MOST_BYTES && this.done.length > 1) {
      bytes -= 2 * this.done.shift().before.length;
    }
  }

  /** Return the rectangle and levels to put back, or null if nothing is left to undo. */
  undo() {
    const entry = this.done.pop();
    if (!entry) return null;
    this.undone.push(entry);
    return { ...entry, levels: entry.before };
  }

  redo() {
    const entry = this.undone.pop();
    if (!entry) return null;
    this.done.push(entry);
    return { ...entry, levels: entry.after };
  }
}
