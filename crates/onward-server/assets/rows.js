// Rows beside their list: a drawer that fetches the row's own page, the choice of rows, copying, and
// the arrow keys of the row map. Without this script every link leads to a whole page.

import { toast } from "./toast.js";

const drawer = document.getElementById("drawer");
const body = document.getElementById("drawer-body");
let opener = null;

async function openRow(href, push) {
  const answer = await fetch(href, { headers: { Accept: "text/html" }, cache: "no-store" });
  if (!answer.ok) return void location.assign(href);
  const html = new DOMParser().parseFromString(await answer.text(), "text/html");
  const detail = html.getElementById("row-detail");
  if (!detail) return void location.assign(href);
  body.replaceChildren(...detail.childNodes);
  ready(body);
  const close = document.createElement("button");
  close.type = "button";
  close.className = "close small";
  close.textContent = "Close";
  close.addEventListener("click", () => drawer.close());
  body.querySelector(".row-head")?.append(close);
  if (!drawer.open) drawer.showModal();
  body.querySelector("#row-title")?.focus();
  // The address of the row can be copied and reloaded while the drawer is open.
  if (push) history.pushState({ drawer: true }, "", href);
  else history.replaceState({ drawer: true }, "", href);
}

function startDrawer() {
  const list = location.href;
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-row]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (!drawer.open) opener = link;
    openRow(link.href, !drawer.open).catch(() => location.assign(link.href));
  });
  drawer.addEventListener("close", () => {
    if (history.state?.drawer) history.replaceState(null, "", list);
    // The list may have been drawn anew meanwhile; the row is still found by its number.
    const again = opener?.isConnected ? opener : document.querySelector(`a[data-row="${opener?.dataset.row}"]`);
    again?.focus();
  });
  drawer.addEventListener("click", (event) => event.target === drawer && drawer.close());
  addEventListener("popstate", () => drawer.open && drawer.close());
}

function ready(scope) {
  for (const button of scope.querySelectorAll("[data-copy]")) button.hidden = false;
}

async function copy(button) {
  const text = document.querySelector(button.dataset.copy)?.textContent ?? "";
  const label = button.querySelector(".label");
  try {
    await navigator.clipboard.writeText(text);
    label.textContent = button.dataset.done;
  } catch {
    // Plain HTTP on a network has no clipboard: the text is shown and marked instead.
    const shown = document.querySelector(button.dataset.copy);
    const details = shown.closest("details");
    if (details) details.open = true;
    getSelection().selectAllChildren(shown);
    toast({ kind: "success", title: "Marked", detail: "The browser does not copy here by itself; press Ctrl+C." });
  }
}

function startChoice(form) {
  const boxes = [...form.querySelectorAll("input[name=rows]")];
  const button = form.querySelector("button[value=chosen]");
  const label = button.querySelector(".label");
  const plain = label.textContent;
  const all = document.createElement("input");
  all.type = "checkbox";
  all.setAttribute("aria-label", "Choose all rows of this page");
  form.querySelector("th.pick").replaceChildren(all);
  const show = () => {
    const n = boxes.filter((box) => box.checked).length;
    all.checked = n === boxes.length;
    all.indeterminate = n > 0 && n < boxes.length;
    label.textContent = n === 0 ? plain : n === 1 ? button.dataset.one : button.dataset.many.replace("{n}", n);
    button.classList.toggle("resume", n > 0);
  };
  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    show();
  });
  form.addEventListener("change", show);
  show();
}

// One cell of the map is in the order of the Tab key; arrows move among the others.
function startMap() {
  document.addEventListener("keydown", (event) => {
    const cell = event.target.closest?.(".map a");
    if (!cell) return;
    const cells = [...cell.parentElement.children];
    const line = cells.findIndex((other) => other.offsetTop > cells[0].offsetTop);
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: line < 0 ? 0 : line, ArrowUp: line < 0 ? 0 : -line }[event.key];
    const at = event.key === "Home" ? 0 : event.key === "End" ? cells.length - 1 : step === undefined ? -1 : cells.indexOf(cell) + step;
    if (!cells[at]) return;
    event.preventDefault();
    cell.tabIndex = -1;
    cells[at].tabIndex = 0;
    cells[at].focus();
  });
}

if (drawer) startDrawer();
const choice = document.getElementById("choice");
if (choice) startChoice(choice);
if (document.querySelector(".map")) startMap();
ready(document);
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
});
