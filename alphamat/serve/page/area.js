/** Rectangles of pixels: {x, y, width, height}. */

/** Return the least rectangle around two; either may be null. */
export function joined(one, other) {
  if (!one || !other) return one ?? other;
  const x = Math.min(one.x, other.x);
  const y = Math.min(one.y, other.y);
  const right = Math.max(one.x + one.width, other.x + other.width);
  const bottom = Math.max(one.y + one.height, other.y + other.height);
  return { x, y, width: right - x, height: bottom - y };
}

/** Return a rectangle's values, cut from a picture of values that is `width` wide. */
export function cut(values, width, area) {
  const found = new Uint8Array(area.width * area.height);
  for (let row = 0; row < area.height; row++) {
    const from = (area.y + row) * width + area.x;
    found.set(values.subarray(from, from + area.width), row * area.width);
  }
  return found;
}

/** Put a rectangle's values into a picture of values that is `width` wide. */
export function paste(values, width, area, part) {
  for (let row = 0; row < area.height; row++) {
    const line = part.subarray(row * area.width, (row + 1) * area.width);
    values.set(line, (area.y + row) * width + area.x);
  }
}

/** Return the least rectangle in which two pictures of values differ, or null. */
export function difference(one, other, width, height) {
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      if (one[at] === other[at]) continue;
      if (x < left) left = x;
      if (x > right) right = x;
      if (y < top) top = y;
      bottom = y;
    }
  }
  return right < 0 ? null : { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
}
