// Pressed buttons: asks where asking is due, sends once, and says what came of it.
// Listeners are on the document, so that a card that is morphed keeps its buttons and its question.

import { articleOf, flush, refresh, show } from "./patch.js";
import { count } from "./time.js";
import { toast } from "./toast.js";

const dialog = document.getElementById("confirm");
const keys = new Map(); // address and body -> Idempotency-Key of a press that has no certain answer yet

const uuid = () =>
  crypto.randomUUID?.() ?? Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");

export function start() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("form[data-act]")) return;
    event.preventDefault();
    const button = event.submitter ?? form.querySelector("button");
    if (button.getAttribute("aria-disabled") !== "true") press(form, button);
  });
}

async function press(form, button) {
  const { act, asks, code } = form.dataset;
  const id = button.dataset.job;
  const asked = asks !== undefined;
  if (asked && !(await confirmed(form, articleOf(id)))) return;
  await send(id, act, bodyOf(form, act, asked, code), button);
}

function bodyOf(form, act, asked, code) {
  if (act === "restart") return { force: asked };
  if (act === "retry") return { outcome: "failed", ...(code && { code }) };
  const first = form.querySelector("input[name=first]"); // so many rows, then a person is asked
  return first ? { first: Number(first.value) } : {};
}

// The question. It is filled from the newest numbers, and the safe button has the focus.
function confirmed(form, article) {
  const { title, text, yes, no, act } = form.dataset;
  const part = (name) => dialog.querySelector(`#confirm-${name}`);
  const saved = Number(article.dataset.processed);
  const filled = text
    .replace("{saved}", saved === 1 ? "1 row is saved" : `${count(saved)} rows are saved`)
    .replace("{next}", count(article.dataset.next));
  part("title").textContent = title;
  part("text").textContent = filled;
  part("yes").textContent = yes;
  part("yes").className = act === "restart" ? "restart" : "cancel";
  part("no").textContent = no;
  dialog.returnValue = "no";
  dialog.showModal();
  part("no").focus();
  return new Promise((done) => dialog.addEventListener("close", () => done(dialog.returnValue === "yes"), { once: true }));
}

function busy(button, isBusy) {
  const label = button?.querySelector(".label");
  if (!label) return;
  if (isBusy) {
    button.setAttribute("aria-disabled", "true");
    button.dataset.label = label.textContent;
    label.textContent = button.dataset.busy;
  } else if (button.hasAttribute("aria-disabled")) {
    button.removeAttribute("aria-disabled");
    if (label.textContent === button.dataset.busy) label.textContent = button.dataset.label;
  }
}

async function send(id, act, body, button) {
  const url = `/jobs/${id}/${act}`;
  const text = JSON.stringify(body);
  const press = `${url} ${text}`;
  const key = keys.get(press) ?? uuid();
  keys.set(press, key);
  busy(button, true);
  try {
    const answer = await fetch(url, {
      method: "POST",
      headers: { Accept: "application/json", "Content-Type": "application/json", "Idempotency-Key": key },
      body: text,
    });
    const said = await answer.json();
    keys.delete(press);
    if (answer.ok) {
      if (said.job) (show(said.job), flush());
      toast({ ...success(id, act, said), about: id });
    } else {
      toast({ ...trouble(said, answer), about: id });
      const article = articleOf(id);
      if (article) refresh(article);
    }
  } catch {
    toast({ about: id, kind: "error", title: "The server does not answer", detail: "It is not known whether it was done. Pressing again is safe: it is never done twice." });
  } finally {
    busy(button, false);
  }
}

function success(id, act, said) {
  const total = count(said.job?.total_items ?? 0);
  const from = said.resumed_from_row ?? said.restarted_from_row;
  const goesOn = from ? `${said.job.name} goes on from row ${count(from)} of ${total}` : said.job?.name;
  if (act === "resume") return { kind: "success", title: "Job resumed successfully", detail: goesOn };
  if (act === "restart") return { kind: "success", title: "Job restarted successfully", detail: goesOn };
  if (act === "retry") return { kind: "success", title: `${count(said.count ?? 0)} rows are tried again`, detail: said.job?.name };
  if (act === "pause") return { kind: "success", title: "Job paused", detail: said.job?.name };
  const row = said.job?.resume_from_row;
  return {
    kind: "success",
    title: "Job cancelled",
    detail: row ? `${said.job.name} can go on from row ${count(row)}` : said.job?.name,
    undo: said.job?.allowed_actions.includes("resume") && { label: "Resume", run: () => send(id, "resume", {}) },
  };
}

function trouble(said, answer) {
  return {
    kind: "error",
    title: said.title ?? `The server answered ${answer.status}`,
    detail: said.detail,
    requestId: said.request_id ?? answer.headers.get("X-Request-Id"),
  };
}
