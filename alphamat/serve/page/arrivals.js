/** How pictures come: chosen, dropped, pasted. */

const byId = (id) => document.getElementById(id);

/** @param {(files: Iterable<File>) => void} add */
export function onArrival(add) {
  for (const id of ["open", "choose"]) {
    byId(id).addEventListener("click", () => byId("files").click());
  }
  byId("files").addEventListener("change", () => {
    add(byId("files").files);
    byId("files").value = "";
  });
  addEventListener("paste", (event) => add(event.clipboardData?.files ?? []));
  addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.body.classList.remove("dropping");
  });
  addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dropping");
    add(event.dataTransfer.files);
  });
}
