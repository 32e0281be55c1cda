/** ZIP files that hold other files as they are: pictures are compressed already. */

import { crc32 } from "./png.js";

/**
 * @param {{name: string, bytes: Uint8Array}[]} files
 * @returns {Blob}
 */
export function zip(files) {
  const parts = [];
  const directory = [];
  let at = 0;
  for (const { name, bytes } of files) {
    const title = new TextEncoder().encode(name);
    const about = described(crc32(bytes), bytes.length, title.length);
    const local = joined([0x50, 0x4b, 3, 4], about, title);
    const rest = joined(new Uint8Array(10), number(at), title);
    directory.push(joined([0x50, 0x4b, 1, 2, 20, 0], about, rest));
    parts.push(local, bytes);
    at += local.length + bytes.length;
  }
  const size = directory.reduce((sum, entry) => sum + entry.length, 0);
  const count = number(files.length).subarray(0, 2);
  const sums = joined(count, count, number(size), number(at));
  const end = joined([0x50, 0x4b, 5, 6, 0, 0, 0, 0], sums, [0, 0]);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}

/** Version 2.0, names in UTF-8, stored, 1 January 1980; sum, sizes, length of the name. */
function described(sum, size, length) {
  const fixed = [20, 0, 0, 8, 0, 0, 0, 0, 0x21, 0];
  return joined(fixed, number(sum), number(size), number(size), number(length));
}

function number(value) {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
