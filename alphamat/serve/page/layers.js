/** What is drawn of one picture: its pixels, the tint of its trimap, its alpha, its cut-out. */

export const BACKGROUND = 0;
export const UNKNOWN = 128;
export const FOREGROUND = 255;

// Blue and orange are told apart by nearly everyone. What is unknown shows the picture as it is.
export const TINTS = {
  [FOREGROUND]: [45, 110, 255, 105],
  [BACKGROUND]: [255, 106, 0, 75],
  [UNKNOWN]: [0, 0, 0, 0],
};

export class Layers {
  /** @param {ImageBitmap} picture */
  constructor(picture) {
    this.picture = picture;
    this.width = picture.width;
    this.height = picture.height;
    this.trimap = new Uint8Array(this.width * this.height).fill(UNKNOWN);
    this.found = false; // whether there is an alpha yet
    this.tint = this.#canvas();
    this.mask = this.#canvas(); // white, as opaque as alpha
    this.cutout = this.#canvas();
  }

  get whole() {
    return { x: 0, y: 0, width: this.width, height: this.height };
  }

  /** Draw the tint of a rectangle anew, after its trimap has changed. */
  drawTint(area = this.whole) {
    const colours = new Uint32Array(256);
    for (const [level, colour] of Object.entries(TINTS)) {
      colours[level] = new Uint32Array(Uint8Array.from(colour).buffer)[0];
    }
    const pixels = new ImageData(area.width, area.height);
    const words = new Uint32Array(pixels.data.buffer);
    for (let row = 0, to = 0; row < area.height; row++) {
      const from = (area.y + row) * this.width + area.x;
      for (let x = 0; x < area.width; x++) words[to++] = colours[this.trimap[from + x]];
    }
    this.tint.getContext("2d").putImageData(pixels, area.x, area.y);
  }

  setTrimap(levels) {
    this.trimap.set(levels);
    this.drawTint();
  }

  /** Put in the alpha of a rectangle. Its cut-out gets the picture's own colours for now. */
  pasteAlpha(levels, area) {
    this.found = true;
    const pixels = new ImageData(area.width, area.height);
    pixels.data.fill(255);
    for (let i = 0; i < levels.length; i++) pixels.data[4 * i + 3] = levels[i];
    this.mask.getContext("2d").putImageData(pixels, area.x, area.y);
    const { x, y, width, height } = area;
    const place = [x, y, width, height, x, y, width, height];
    const context = this.cutout.getContext("2d");
    context.save();
    context.beginPath();
    context.rect(x, y, width, height);
    context.clip();
    context.clearRect(x, y, width, height);
    context.drawImage(this.picture, ...place);
    context.globalCompositeOperation = "destination-in";
    context.drawImage(this.mask, ...place);
    context.restore();
  }

  /** Take the server's cut-out, with the foreground's own colours. */
  setCutout(bitmap) {
    const context = this.cutout.getContext("2d");
    context.clearRect(0, 0, this.width, this.height);
    context.drawImage(bitmap, 0, 0);
    bitmap.close();
  }

  #canvas() {
    const canvas = document.createElement("canvas");
    canvas.width = this.width;
    canvas.height = this.height;
    return canvas;
  }
}
