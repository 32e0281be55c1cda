"use strict";

const find = (selector, within = document) => [...within.querySelectorAll(selector)];

// Size of the pictures.
document.getElementById("size")?.addEventListener("input", (event) => {
  document.documentElement.style.setProperty("--tile", `${event.target.value}px`);
});

// A click on a column's head sorts by it, a second one the other way.
for (const head of find("table.sortable th")) {
  head.addEventListener("click", () => {
    const body = head.closest("table").tBodies[0];
    const up = head.getAttribute("aria-sort") !== "ascending";
    const value = (row) => {
      const cell = row.cells[head.cellIndex];
      return "value" in cell.dataset ? Number(cell.dataset.value) : cell.textContent;
    };
    const compare = (a, b) =>
      Number.isNaN(a) ? 1 : Number.isNaN(b) ? -1 : (a > b) - (a < b) || 0;
    const rows = [...body.rows].sort((a, b) => compare(value(a), value(b)) * (up ? 1 : -1));
    for (const other of find("th", head.parentElement)) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    body.append(...rows);
  });
}

// The enlarged picture: arrows go to others in its place, which shows small differences best.
const lightbox = document.getElementById("lightbox");
const articles = find("article");
let sample = 0;
let picture = 0;
let errors = false;

function show() {
  const figures = find("figure:not(.failed)", articles[sample]);
  picture = (picture + figures.length) % figures.length;
  const figure = figures[picture];
  const seen = (errors && figure.querySelector(".error")) || figure.querySelector("img");
  document.getElementById("large").src = seen.src;
  document.getElementById("large").alt = seen.alt;
  const title = articles[sample].querySelector("h3").innerText;
  document.getElementById("told").textContent =
    `${title} · ${figure.querySelector("figcaption").innerText.replace(/\s+/g, " ")}`;
}

articles.forEach((article, at) => {
  find("figure:not(.failed)", article).forEach((figure, order) => {
    figure.querySelector("button").addEventListener("click", (event) => {
      [sample, picture] = [at, order];
      errors = event.target.classList.contains("error");
      show();
      lightbox.showModal();
    });
  });
});

lightbox.addEventListener("click", () => lightbox.close());

document.addEventListener("keydown", (event) => {
  if (!lightbox.open || event.ctrlKey || event.metaKey) return;
  const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };
  if (event.key === "e") errors = !errors;
  else if (event.key in step) {
    sample = (sample + step[event.key][0] + articles.length) % articles.length;
    picture += step[event.key][1];
  } else return;
  event.preventDefault();
  show();
});
