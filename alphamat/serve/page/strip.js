/** The row of pictures: each with its state. */

const WORDS = {
  waiting: "waiting",
  sending: "sending",
  queued: "waiting",
  running: "working",
  done: "done",
  unsure: "needs a box",
  failed: "failed",
};

export class Strip {
  /**
   * @param {HTMLOListElement} list
   * @param {(job: import("./job.js").Job) => void} choose
   * @param {(job: import("./job.js").Job) => void} remove
   */
  constructor(list, choose, remove) {
    this.list = list;
    this.choose = choose;
    this.remove = remove;
    /** @type {Map<import("./job.js").Job, HTMLLIElement>} */
    this.items = new Map();
  }

  add(job) {
    const template = document.getElementById("strip-item");
    const item = template.content.firstElementChild.cloneNode(true);
    item.querySelector("img").src = job.url;
    item.querySelector("img").addEventListener("error", (event) => event.target.remove());
    item.querySelector(".choose").addEventListener("click", () => this.choose(job));
    const remove = item.querySelector(".remove");
    remove.setAttribute("aria-label", `Remove ${job.name}`);
    remove.addEventListener("click", () => this.remove(job));
    this.list.append(item);
    this.items.set(job, item);
    this.update(job);
  }

  drop(job) {
    this.items.get(job)?.remove();
    this.items.delete(job);
  }

  update(job) {
    const item = this.items.get(job);
    if (!item || item.dataset.told === told(job)) return;
    item.dataset.told = told(job);
    item.dataset.state = job.state;
    item.querySelector(".state").textContent = WORDS[job.state];
    item.querySelector(".choose").setAttribute("aria-label", `${job.name}: ${WORDS[job.state]}`);
    const bar = item.querySelector("progress");
    bar.hidden = !job.busy;
    if (job.facts.progress) bar.value = job.facts.progress;
    else bar.removeAttribute("value");
  }

  mark(job) {
    for (const [other, item] of this.items) {
      item.querySelector(".choose").setAttribute("aria-current", String(other === job));
    }
  }
}

function told(job) {
  return `${job.state} ${job.facts.progress}`;
}
