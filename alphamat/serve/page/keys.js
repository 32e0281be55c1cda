/** Keys, wherever the focus is, but for lists, colours and dialogs, which need them. */

const ARROWS = { ArrowLeft: [40, 0], ArrowRight: [-40, 0], ArrowUp: [0, 40], ArrowDown: [0, -40] };

/**
 * @param {Record<string, () => void>} actions - by key
 * @param {import("./view.js").View} view - is moved by arrows while it has the focus
 */
export function onKeys(actions, view) {
  addEventListener("keydown", (event) => {
    if (event.target.closest("[type=color], select, dialog") || event.altKey) return;
    const undoing = event.ctrlKey || event.metaKey;
    const action = actions[event.key];
    if (action && (!undoing || "zZy".includes(event.key))) {
      event.preventDefault();
      action();
    } else if (event.target === view.canvas && ARROWS[event.key]) {
      event.preventDefault();
      view.pan(...ARROWS[event.key]);
    }
  });
}
