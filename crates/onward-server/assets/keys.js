// The keyboard: / n j k Enter r c p ?, off where a person types and when switched off.

const help = document.getElementById("keys");
const box = document.getElementById("keys-on");
const STORE = "onward-keys";

const stored = () => {
  try {
    return localStorage.getItem(STORE);
  } catch {
    return null;
  }
};

const current = () => document.activeElement?.closest?.("article.job") ?? (document.body.dataset.page === "job" ? document.querySelector("article.job") : null);

function move(step) {
  const all = [...document.querySelectorAll("article.job")];
  const next = all[all.indexOf(current()) + step] ?? (step > 0 ? all[0] : all.at(-1));
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

const KEYS = {
  "/": () => document.getElementById("q")?.focus(),
  n: () => location.assign("/jobs/new"),
  j: () => move(1),
  k: () => move(-1),
  Enter: () => document.activeElement.matches("article.job") && document.activeElement.querySelector("[data-action=details]")?.click(),
  r: () => current()?.querySelector("[data-action=resume], [data-action=restart]")?.click(),
  c: () => current()?.querySelector("[data-action=force-cancel]")?.click(),
  p: () => document.getElementById("pause")?.click(),
  "?": () => help.showModal(),
};

export function start() {
  box.checked = stored() !== "off";
  box.addEventListener("change", () => {
    try {
      localStorage.setItem(STORE, box.checked ? "on" : "off");
    } catch {
      // It holds for this page only.
    }
  });
  const button = document.getElementById("help");
  button.hidden = false;
  button.addEventListener("click", () => help.showModal());
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
    if (event.ctrlKey || event.metaKey || event.altKey || typing || !box.checked || document.querySelector("dialog[open]")) return;
    if (event.key === "Enter" && !event.target.matches?.("article.job")) return;
    const act = Object.hasOwn(KEYS, event.key) && KEYS[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}
