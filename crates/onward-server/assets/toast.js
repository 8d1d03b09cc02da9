// Messages under the header. Successes leave after a while, errors stay until dismissed.

const LEAVES_AFTER_MS = 6000;
const MOST = 4; // more would push the page away; the oldest goes
const box = document.getElementById("toasts");

export function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(svg.namespaceURI, "use");
  use.setAttribute("href", `${document.body.dataset.icons}#${name}`);
  svg.append(use);
  return svg;
}

// `undo` is { label, run }: a button within the toast.
// What is said about the same job replaces what was said before.
export function toast({ kind, title, detail, requestId, undo, about }) {
  const ok = kind === "success";
  const element = make("div", `toast ${ok ? "ok" : "bad"}`);
  if (about) {
    element.dataset.about = about;
    for (const old of [...box.children]) if (old.dataset.about === about) old.remove();
  }
  element.setAttribute("role", ok ? "status" : "alert");
  const words = make("div");
  words.append(make("strong", "", title));
  if (detail) words.append(make("p", "", detail));
  if (!ok && requestId) {
    const line = make("p", "request", "Request ");
    line.append(make("code", "", requestId));
    words.append(line);
  }
  element.append(icon(ok ? "circle-check" : "circle-alert"), words);
  if (undo) {
    const button = make("button", "undo", undo.label);
    button.type = "button";
    button.addEventListener("click", () => (element.remove(), undo.run()));
    element.append(button);
  }
  const close = make("button", "dismiss");
  close.type = "button";
  close.setAttribute("aria-label", "Dismiss");
  close.append(icon("x"));
  element.append(close);
  box.append(element);
  while (box.children.length > MOST) box.firstElementChild.remove();
  if (ok) leave(element);
}

// A success waits while the pointer or the focus is on it.
function leave(element) {
  setTimeout(() => (element.matches(":hover, :focus-within") ? leave(element) : element.remove()), LEAVES_AFTER_MS);
}

export function start() {
  box.addEventListener("click", (event) => event.target.closest(".dismiss")?.closest(".toast").remove());
  for (const old of box.children) {
    old.querySelector(".dismiss").hidden = false;
    if (old.classList.contains("ok")) leave(old);
  }
}
