/**
 * Gray PNG files of 8 bits, to levels and back. "Portable Network Graphics (PNG) Specification",
 * W3C. A canvas could do this, too, but some browsers add noise to what is read from a canvas.
 */

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

/** Return the CRC-32 of bytes, as PNG and ZIP files have it. */
export function crc32(bytes) {
  let crc = ~0;
  for (let i = 0; i < bytes.length; i++) crc = CRC_TABLE[(crc ^ bytes[i]) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}

/**
 * @param {Uint8Array} levels - width × height, row after row
 * @returns {Promise<Blob>}
 */
export async function encodeGray(levels, width, height) {
  const rows = new Uint8Array(height * (width + 1)); // each behind its filter, 0 for none
  for (let y = 0; y < height; y++) {
    rows.set(levels.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header[8] = 8;
  const packed = await through(rows, new CompressionStream("deflate"));
  const chunks = [chunk("IHDR", header), chunk("IDAT", packed), chunk("IEND", new Uint8Array())];
  return new Blob([new Uint8Array(SIGNATURE), ...chunks], { type: "image/png" });
}

/**
 * @param {ArrayBuffer} file - a gray PNG of 8 bits, not interlaced
 * @returns {Promise<{levels: Uint8Array, width: number, height: number}>}
 */
export async function decodeGray(file) {
  const bytes = new Uint8Array(file);
  const view = new DataView(file);
  const width = view.getUint32(16);
  const height = view.getUint32(20);
  if (bytes[24] !== 8 || bytes[25] !== 0 || bytes[28] !== 0) {
    throw new Error("The server sent a PNG of another kind than gray with 8 bits.");
  }
  const parts = [];
  for (let at = 8; at < bytes.length;) {
    const length = view.getUint32(at);
    const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (name === "IDAT") parts.push(bytes.subarray(at + 8, at + 8 + length));
    at += 12 + length;
  }
  const rows = await through(new Blob(parts), new DecompressionStream("deflate"));
  return { levels: unfiltered(rows, width, height), width, height };
}

async function through(content, stream) {
  const piped = new Blob([content]).stream().pipeThrough(stream);
  return new Uint8Array(await new Response(piped).arrayBuffer());
}

function chunk(name, body) {
  const bytes = new Uint8Array(12 + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, body.length);
  for (let i = 0; i < 4; i++) bytes[4 + i] = name.charCodeAt(i);
  bytes.set(body, 8);
  view.setUint32(8 + body.length, crc32(bytes.subarray(4, 8 + body.length)));
  return bytes;
}

/** Undo the filters of all rows. Each pixel was predicted from its left and upper neighbours. */
function unfiltered(rows, width, height) {
  const levels = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const filter = rows[y * (width + 1)];
    const from = y * (width + 1) + 1;
    const to = y * width;
    for (let x = 0; x < width; x++) {
      const left = x ? levels[to + x - 1] : 0;
      const up = y ? levels[to + x - width] : 0;
      const corner = x && y ? levels[to + x - width - 1] : 0;
      levels[to + x] = rows[from + x] + predicted(filter, left, up, corner);
    }
  }
  return levels;
}

function predicted(filter, left, up, corner) {
  if (filter === 0) return 0;
  if (filter === 1) return left;
  if (filter === 2) return up;
  if (filter === 3) return (left + up) >> 1;
  const l = Math.abs(up - corner);
  const u = Math.abs(left - corner);
  const c = Math.abs(left + up - 2 * corner);
  return l <= u && l <= c ? left : u <= c ? up : corner;
}
