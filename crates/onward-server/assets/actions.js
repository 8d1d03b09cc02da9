// Pressed buttons: asks where asking is due, sends once, and says what came of it.
// Listeners are on the document, so that a card that is morphed keeps its buttons and its question.

import { articleOf, flush, refresh, show } from "./patch.js";
import { count } from "./time.js";
import { toast } from "./toast.js";

const dialog = document.getElementById("confirm");
const keys = new Map(); // address -> Idempotency-Key of a press that has no certain answer yet

const uuid = () =>
  crypto.randomUUID?.() ?? Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");

export function start() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.id === "new-job") return void create(event);
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
  const body = act === "restart" ? { force: asked } : act === "retry" ? { outcome: "failed", ...(code && { code }) } : {};
  await send(id, act, body, button);
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
  const key = keys.get(url) ?? uuid();
  keys.set(url, key);
  busy(button, true);
  try {
    const answer = await fetch(url, {
      method: "POST",
      headers: { Accept: "application/json", "Content-Type": "application/json", "Idempotency-Key": key },
      body: JSON.stringify(body),
    });
    const said = await answer.json();
    keys.delete(url);
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

// A refused new job keeps the form as it is and says why above it.
async function create(event) {
  const form = event.target;
  event.preventDefault();
  const button = form.querySelector("button[type=submit]");
  if (button.getAttribute("aria-disabled") === "true") return;
  const data = new FormData(form);
  if (!data.get("name")) data.delete("name");
  busy(button, true);
  try {
    const answer = await fetch("/api/v1/jobs", { method: "POST", headers: { Accept: "application/json" }, body: data });
    const said = await answer.json();
    if (answer.ok) return void location.assign(`/jobs/${said.job_id ?? said.job.job_id}`);
    refused(said);
  } catch {
    refused({ title: "The server does not answer", detail: "The upload did not arrive, so nothing was started. Trying again is safe." });
  } finally {
    busy(button, false);
  }
}

function refused(said) {
  const box = document.createElement("div");
  box.className = "trouble";
  const add = (parent, tag, text) => {
    const element = document.createElement(tag);
    element.textContent = text ?? "";
    parent.append(element);
    return element;
  };
  add(box, "strong", said.title);
  if (said.detail) add(box, "p", said.detail);
  if (Array.isArray(said.errors)) {
    const list = add(box, "ul");
    for (const error of said.errors) add(list, "li", error.message ?? String(error));
  }
  if (said.existing_job_id) {
    const link = add(add(box, "p"), "a", "Show the job that does this already");
    link.href = `/jobs/${encodeURIComponent(said.existing_job_id)}`;
  }
  if (said.request_id) (add(box, "p", `Request ${said.request_id}`).className = "request");
  const place = document.getElementById("trouble");
  place.replaceChildren(box);
  place.scrollIntoView({ block: "center" });
}
