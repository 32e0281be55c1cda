/** The slider between before and after. */

/**
 * @param {HTMLElement} handle - has the role of a slider
 * @param {import("./view.js").View} view
 */
export function sliding(handle, view) {
  const button = document.getElementById("compare");

  function set(share) {
    view.split = Math.min(Math.max(share, 0), 1);
    handle.setAttribute("aria-valuenow", String(Math.round(100 * view.split)));
    view.redraw();
  }

  function toggle() {
    const shown = view.split === null;
    button.setAttribute("aria-pressed", String(shown));
    if (shown) set(0.5);
    else view.split = null;
    view.redraw();
  }

  /** Put the handle where the view has its split. */
  function place() {
    handle.hidden = view.split === null || !view.layers;
    if (handle.hidden) return;
    handle.style.left = `${view.left + view.split * view.scale * view.layers.width}px`;
  }

  handle.addEventListener("pointerdown", (event) => handle.setPointerCapture(event.pointerId));
  handle.addEventListener("pointermove", (event) => {
    if (!handle.hasPointerCapture(event.pointerId)) return;
    const x = event.clientX - view.canvas.getBoundingClientRect().left;
    set((x - view.left) / (view.scale * view.layers.width));
  });
  handle.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: -0.02, ArrowDown: -0.02, ArrowRight: 0.02, ArrowUp: 0.02 };
    const ends = { Home: 0, End: 1 };
    if (event.key in steps) set(view.split + steps[event.key]);
    else if (event.key in ends) set(ends[event.key]);
    else return;
    event.preventDefault();
  });
  return { toggle, place };
}
