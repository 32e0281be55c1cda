/** The dialogs, and the choice between a light and a dark page. */

const byId = (id) => document.getElementById(id);

/** Ask the person for the server's token; "" if there is none. */
export function askForToken(refused) {
  const dialog = byId("token-dialog");
  if (refused) byId("token-told").textContent = "The server refused this token.";
  byId("token").value = "";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    const closed = () => resolve(dialog.returnValue === "enter" ? byId("token").value.trim() : "");
    dialog.addEventListener("close", closed, { once: true });
  });
}

export function openHelp() {
  byId("help-dialog").showModal();
}

const THEMES = ["system", "light", "dark"];
const TOLD = { system: "as the system", light: "light", dark: "dark" };

/** Let a button go through the themes; the choice is remembered. */
export function followTheme(button) {
  let theme = localStorage.getItem("theme") ?? "system";
  const show = () => {
    document.documentElement.dataset.theme = theme;
    button.setAttribute("aria-label", `Appearance: ${TOLD[theme]}`);
    button.title = button.getAttribute("aria-label");
  };
  button.addEventListener("click", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    localStorage.setItem("theme", theme);
    show();
  });
  show();
}
