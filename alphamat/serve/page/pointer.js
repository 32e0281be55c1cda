/** What mouse, pen and fingers do on the canvas: paint, draw a box, pick, move, zoom. */

import { Stroke } from "./brush.js";
import { BACKGROUND, FOREGROUND, TINTS, UNKNOWN } from "./layers.js";

export const LEVELS = { foreground: FOREGROUND, background: BACKGROUND, unknown: UNKNOWN };

const LEAST_BOX = 4; // screen pixels

/**
 * @param {import("./view.js").View} view
 * @param {object} hands - `tool()`, `brush()` with diameter and hardness, `job()`, and what is
 *   done at the end: `boxed(box)`, `picked(point)`, `painted()`
 */
export function listen(view, hands) {
  const { canvas } = view;
  const down = new Map(); // pointers on the canvas, by id: where they are on the screen
  let action = null; // {move(event), end(), cancel()} of the first pointer
  let space = false;

  function begin(event) {
    if (event.button === 1 || space || hands.tool() === "hand") return panning(view, event);
    const job = hands.job();
    if (!job?.layers || event.button > 0) return null;
    if (hands.tool() === "box") return boxing(view, event, hands.boxed);
    if (hands.tool() === "pick") return picking(view, event, hands.picked);
    return job.took ? painting(view, event, job, hands) : null;
  }

  canvas.addEventListener("blur", () => canvas.classList.remove("touched"));
  canvas.addEventListener("pointerdown", (event) => {
    canvas.classList.add("touched");
    canvas.setPointerCapture(event.pointerId);
    down.set(event.pointerId, at(event));
    if (down.size === 1) {
      action = begin(event);
    } else {
      action?.cancel();
      action = null;
    }
  });

  canvas.addEventListener("pointermove", (event) => {
    showCursor(event);
    if (!down.has(event.pointerId)) return;
    if (down.size === 2) pinch(event);
    down.set(event.pointerId, at(event));
    action?.move(event);
  });

  function end(event) {
    if (!down.delete(event.pointerId)) return;
    if (event.type === "pointercancel") action?.cancel();
    else action?.end(event);
    action = null;
  }
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", end);
  canvas.addEventListener("pointerleave", () => {
    view.cursor = null;
    view.redraw();
  });

  function pinch(event) {
    const other = [...down.entries()].find(([id]) => id !== event.pointerId)[1];
    const before = down.get(event.pointerId);
    const now = at(event);
    const [was, is] = [before, now].map(({ x, y }) => Math.hypot(x - other.x, y - other.y));
    view.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
    if (was > 0) view.zoom(is / was, (now.x + other.x) / 2, (now.y + other.y) / 2);
  }

  function showCursor(event) {
    const level = LEVELS[hands.tool()];
    const seen = level !== undefined && event.pointerType !== "touch" && !space;
    const colour = level === undefined ? "" : opaque(level);
    view.cursor = seen ? { ...at(event), radius: hands.brush().diameter / 2, colour } : null;
    const cursors = { hand: "grab", box: "crosshair", pick: "pointer" };
    canvas.style.cursor = space ? "grab" : (cursors[hands.tool()] ?? "none");
    view.redraw();
  }

  // Also over the slider and the buttons that lie on the canvas.
  canvas.parentElement.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const step = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
      const factor = Math.exp(-event.deltaY * step * (event.ctrlKey ? 0.01 : 0.0015));
      const { left, top } = canvas.getBoundingClientRect();
      view.zoom(factor, event.clientX - left, event.clientY - top);
    },
    { passive: false },
  );

  // Space moves the picture while it is held, unless a button has the focus, which it presses.
  addEventListener("keydown", (event) => {
    const free = event.target === canvas || event.target === document.body;
    if (event.code !== "Space" || !free) return;
    event.preventDefault();
    space = true;
    canvas.style.cursor = "grab";
  });
  addEventListener("keyup", (event) => {
    if (event.code === "Space") space = false;
  });
  addEventListener("blur", () => (space = false));
}

function at(event) {
  return { x: event.offsetX, y: event.offsetY };
}

function opaque(level) {
  if (level === UNKNOWN) return "white";
  return `rgb(${TINTS[level].slice(0, 3).join(" ")})`;
}

function panning(view, event) {
  let last = at(event);
  const move = (next) => {
    view.pan(next.offsetX - last.x, next.offsetY - last.y);
    last = at(next);
  };
  return { move, end() {}, cancel() {} };
}

function painting(view, event, job, hands) {
  const { diameter, hardness } = hands.brush();
  const level = LEVELS[hands.tool()];
  const stroke = new Stroke(job.layers, level, hardness);
  const discs = []; // so close that they look like a line
  view.stroke = { discs, colour: tint(level), answered: () => job.answered };
  job.painting = true;
  let last = null;

  function to({ offsetX, offsetY, pressure, pointerType }) {
    const { x, y } = view.toPicture(offsetX, offsetY);
    const force = pointerType === "pen" ? 0.25 + 0.75 * pressure : 1;
    const radius = (force * diameter) / 2 / view.scale;
    const area = stroke.to(x, y, radius);
    if (area) job.painted(area);
    const from = last ?? { x, y };
    const count = Math.ceil(Math.hypot(x - from.x, y - from.y) / (radius / 4)) || 1;
    for (let step = 1; step <= count; step++) {
      const px = from.x + ((x - from.x) * step) / count;
      const py = from.y + ((y - from.y) * step) / count;
      discs.push({ x: px, y: py, radius, stroke: job.strokes });
    }
    last = { x, y };
    view.redraw();
  }

  function done() {
    job.painting = false;
    job.rest();
    view.stroke = null;
    view.redraw();
    hands.painted();
  }

  to(event);
  return {
    move(next) {
      const events = next.getCoalescedEvents?.() ?? [];
      for (const single of events.length ? events : [next]) to(single);
    },
    end() {
      const entry = stroke.entry();
      if (entry) job.history.add(entry);
      done();
    },
    cancel() {
      const area = stroke.cancel();
      if (area) job.painted(area);
      done();
    },
  };
}

function tint(level) {
  if (level === UNKNOWN) return "rgb(255 255 255 / 40%)";
  return `rgb(${TINTS[level].slice(0, 3).join(" ")} / 45%)`;
}

function boxing(view, event, boxed) {
  const start = view.toPicture(event.offsetX, event.offsetY);
  const clear = () => {
    view.box = null;
    view.redraw();
  };
  return {
    move(next) {
      view.box = boxBetween(start, view.toPicture(next.offsetX, next.offsetY), view.layers);
      view.redraw();
    },
    end() {
      const box = view.box;
      clear();
      if (!box) return;
      const sides = [box[2] - box[0], box[3] - box[1]];
      if (Math.min(...sides) * view.scale >= LEAST_BOX) boxed(box);
    },
    cancel: clear,
  };
}

function boxBetween(a, b, { width, height }) {
  const within = (value, most) => Math.min(Math.max(Math.round(value), 0), most);
  const [left, right] = [a.x, b.x].map((x) => within(x, width)).sort((x, y) => x - y);
  const [top, bottom] = [a.y, b.y].map((y) => within(y, height)).sort((x, y) => x - y);
  return [left, top, right, bottom];
}

function picking(view, event, picked) {
  const { x, y } = view.toPicture(event.offsetX, event.offsetY);
  const { width, height } = view.layers;
  const inside = x >= 0 && y >= 0 && x < width && y < height;
  if (inside) picked([Math.floor(x), Math.floor(y)]);
  return null;
}
