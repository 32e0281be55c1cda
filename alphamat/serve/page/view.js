/** The canvas: which picture is shown, how, and which part of it. */

const LARGEST = 32; // screen pixels for a pixel of the picture
const SQUARE = 10; // screen pixels: the checkers
const MARGIN = 14; // screen pixels around a picture that fits
const ABOVE = 62; // where the choice of views is
const BELOW = 22;

export class View {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    /** @type {import("./layers.js").Layers | null} */
    this.layers = null;
    this.mode = "cutout";
    this.behind = "checker"; // or a CSS colour, or an ImageBitmap
    this.split = null; // where the comparison begins, as a share of the width; null for none
    this.cursor = null; // {x, y, radius, colour} on the screen
    this.stroke = null; // {discs, colour, answered()} in the picture
    this.box = null; // [left, top, right, bottom] in the picture
    this.scale = 1;
    this.left = 0; // where the picture's corner is on the screen
    this.top = 0;
    this.fitted = true;
    this.moved = () => {};
    new ResizeObserver(() => this.#resize()).observe(canvas);
  }

  show(layers) {
    const other = layers && this.layers?.picture !== layers.picture;
    this.layers = layers;
    if (other) this.fit();
    this.redraw();
  }

  /** Make all of the picture visible. */
  fit() {
    this.fitted = true;
    if (!this.layers) return;
    const { clientWidth, clientHeight } = this.canvas;
    const { width, height } = this.layers;
    const across = clientWidth - 2 * MARGIN;
    const down = clientHeight - ABOVE - BELOW;
    this.scale = Math.max(Math.min(across / width, down / height, 4), 0.02);
    this.left = (clientWidth - this.scale * width) / 2;
    this.top = ABOVE + (down - this.scale * height) / 2;
    this.redraw();
  }

  /** Change the scale; what is at (x, y) on the screen stays there. */
  zoom(factor, x = this.canvas.clientWidth / 2, y = this.canvas.clientHeight / 2) {
    const scale = Math.min(Math.max(this.scale * factor, 0.02), LARGEST);
    const change = scale / this.scale;
    this.left = x - change * (x - this.left);
    this.top = y - change * (y - this.top);
    this.scale = scale;
    this.fitted = false;
    this.redraw();
  }

  oneToOne() {
    this.zoom(1 / (devicePixelRatio * this.scale));
  }

  pan(dx, dy) {
    this.left += dx;
    this.top += dy;
    this.fitted = false;
    this.redraw();
  }

  /** Return where a point on the screen lies in the picture. */
  toPicture(x, y) {
    return { x: (x - this.left) / this.scale, y: (y - this.top) / this.scale };
  }

  redraw() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.#draw();
      this.moved();
    });
  }

  #resize() {
    const { clientWidth, clientHeight } = this.canvas;
    this.canvas.width = Math.round(clientWidth * devicePixelRatio);
    this.canvas.height = Math.round(clientHeight * devicePixelRatio);
    if (this.fitted) this.fit();
    this.redraw();
  }

  #draw() {
    const { canvas, context } = this;
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
    if (!this.layers) return;
    context.imageSmoothingEnabled = this.scale * devicePixelRatio < 3;
    context.imageSmoothingQuality = "high";
    this.#drawLayer(this.layers.found || this.mode === "trimap" ? this.mode : "picture");
    if (this.split !== null) {
      context.save();
      context.beginPath();
      const right = this.left + this.split * this.scale * this.layers.width;
      context.rect(0, 0, right, canvas.clientHeight);
      context.clip();
      this.#drawLayer("picture");
      context.restore();
    }
    if (this.stroke && this.mode !== "trimap") this.#drawStroke();
    if (this.box) this.#drawBox();
    if (this.cursor) this.#drawCursor();
  }

  #drawLayer(mode) {
    const { context, layers } = this;
    const { picture, tint, mask, cutout } = layers;
    const place = [this.left, this.top, this.scale * layers.width, this.scale * layers.height];
    if (mode === "alpha") {
      context.fillStyle = "black";
      context.fillRect(...place);
      context.drawImage(mask, ...place);
    } else if (mode === "cutout") {
      this.#drawBehind(place);
      context.drawImage(cutout, ...place);
    } else {
      context.drawImage(picture, ...place);
      if (mode === "trimap") context.drawImage(tint, ...place);
    }
  }

  #drawBehind(place) {
    const { context, behind } = this;
    if (behind instanceof ImageBitmap) {
      drawCovering(context, behind, ...place);
      return;
    }
    context.fillStyle = behind === "checker" ? checkers(context) : behind;
    context.fillRect(...place);
  }

  /** Tint what is painted, as long as alpha does not show it yet. */
  #drawStroke() {
    const { context } = this;
    const path = new Path2D();
    const answered = this.stroke.answered();
    for (const { x, y, radius, stroke } of this.stroke.discs) {
      if (stroke <= answered) continue;
      path.moveTo(x + radius, y);
      path.arc(x, y, radius, 0, 2 * Math.PI); // all turn one way, so none cuts a hole
    }
    context.save();
    context.translate(this.left, this.top);
    context.scale(this.scale, this.scale);
    context.fillStyle = this.stroke.colour;
    context.fill(path);
    context.restore();
  }

  #drawBox() {
    const [left, top, right, bottom] = this.box;
    const x = this.left + this.scale * left;
    const y = this.top + this.scale * top;
    const size = [this.scale * (right - left), this.scale * (bottom - top)];
    this.#outlined(() => this.context.rect(x, y, ...size));
  }

  #drawCursor() {
    const { x, y, radius } = this.cursor;
    this.#outlined(() => this.context.arc(x, y, radius, 0, 2 * Math.PI), this.cursor.colour);
  }

  /** Draw a line that is seen on dark and on bright pictures. */
  #outlined(path, colour = "white") {
    const { context } = this;
    for (const [width, style] of [
      [3.5, "rgb(0 0 0 / 55%)"],
      [1.5, colour],
    ]) {
      context.beginPath();
      path();
      context.lineWidth = width;
      context.strokeStyle = style;
      context.stroke();
    }
  }
}

/** Draw a picture such that it covers a rectangle; what is too much is cut off evenly. */
export function drawCovering(context, picture, x, y, width, height) {
  const scale = Math.max(width / picture.width, height / picture.height);
  const [across, down] = [width / scale, height / scale];
  const from = [(picture.width - across) / 2, (picture.height - down) / 2];
  context.drawImage(picture, ...from, across, down, x, y, width, height);
}

let pattern = null;

function checkers(context) {
  if (pattern) return pattern;
  const tile = document.createElement("canvas");
  tile.width = tile.height = 2 * SQUARE;
  const drawn = tile.getContext("2d");
  drawn.fillStyle = "#fff";
  drawn.fillRect(0, 0, 2 * SQUARE, 2 * SQUARE);
  drawn.fillStyle = "#dcdee2";
  drawn.fillRect(0, 0, SQUARE, SQUARE);
  drawn.fillRect(SQUARE, SQUARE, SQUARE, SQUARE);
  pattern = context.createPattern(tile, "repeat");
  return pattern;
}
