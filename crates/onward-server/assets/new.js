// The new-job page: the file is shown at once and sent meanwhile, fields write the recipe, three rows
// can be tried, and everything typed survives a reload. Start then names the upload, not the file.

import { at, cells, currentKey, showPreview } from "./new-look.js";
import { standing, upload } from "./new-upload.js";
import { commandLine, estimate, forPreview, read, toToml } from "./new-recipe.js";
import { count } from "./time.js";
import { icon, make, toast } from "./toast.js";

const DRAFT = "onward-draft";
const HEAD_BYTES = 256 * 1024;
const SETTLE_MS = 400; // typing settles before the file is read again
const form = document.getElementById("new-job");

let file = null; // the file itself, while this page has it
let known = null; // { id, filename, bytes }: the upload, also of an earlier page
let complete = false;
let report = null;
let callMs = 0;
let sending = null;

// --- the draft -------------------------------------------------------------------------------

function save() {
  try {
    const fields = read(form);
    fields.key ||= at("key").dataset.wanted ?? ""; // as long as there is no file, there is no column to choose
    const draft = { fields, byHand: at("by-hand").checked, recipe: at("recipe").value, name: at("name").value, known };
    localStorage.setItem(DRAFT, JSON.stringify(draft));
  } catch {
    // Storage may be forbidden; then a reload forgets.
  }
}

function forget() {
  try {
    localStorage.removeItem(DRAFT);
  } catch {
    // Nothing was kept.
  }
}

async function restore() {
  let draft = null;
  try {
    draft = JSON.parse(localStorage.getItem(DRAFT));
  } catch {
    return;
  }
  if (!draft?.fields) return;
  const { fields } = draft;
  for (const [id, value] of Object.entries(fields)) {
    const field = at(id === "failedShare" ? "failed-share" : id);
    if (field && id !== "key") field.value = value;
  }
  const kind = form.querySelector(`input[name=kind][value="${fields.kind}"]`);
  if (kind) kind.checked = true;
  at("key").dataset.wanted = fields.key;
  at("name").value = draft.name ?? "";
  at("by-hand").checked = draft.byHand;
  if (draft.byHand) at("recipe").value = draft.recipe;
  const there = draft.known && (await standing(draft.known));
  if (there && !file) {
    known = draft.known;
    complete = there.offset === there.bytes;
    showUpload(there.offset);
    if (!complete) state(`Choose ${known.filename} again: it goes on where it was, at ${size(there.offset)}.`);
    else await look();
  }
}

// --- the file --------------------------------------------------------------------------------

const size = (bytes) => (bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} KB` : bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`);

function state(text) {
  at("upload-state").textContent = text;
}

function showUpload(offset) {
  at("upload").hidden = false;
  at("file").required = !known;
  at("upload-what").textContent = `${known.filename}, ${size(known.bytes)}`;
  const percent = known.bytes ? Math.floor((offset * 100) / known.bytes) : 100;
  at("upload-bar").value = percent;
  state(offset >= known.bytes ? "It is here; nothing is lost when you leave this page." : `${percent} % sent`);
}

async function take(chosen) {
  sending?.abort();
  sending = new AbortController();
  const { signal } = sending;
  const earlier = known;
  [file, known, complete, report] = [chosen, null, false, null];
  at("report").replaceChildren();
  look();
  try {
    await upload(
      chosen,
      earlier,
      {
        id: (id) => {
          known = { id, filename: chosen.name, bytes: chosen.size };
          save();
        },
        progress: showUpload,
        waiting: (seconds) => state(`The connection is broken; it goes on in ${seconds} s.`),
      },
      signal,
    );
    if (signal.aborted) return;
    complete = true;
    if (shown !== file) await look();
    await checkWhole();
  } catch (problem) {
    if (!signal.aborted) refuse(problem.said ?? { title: "The upload stopped", detail: String(problem) });
  }
}

function sample() {
  const rows = ["Instagram name,followers,country", "@anna.lee,13.8M,DE", "travel_uk,845.8K,GB", "@cook.it,12345,IT"];
  take(new File([rows.join("\n") + "\n"], "sample.csv", { type: "text/csv" }));
}

// --- what the file looks like ----------------------------------------------------------------

let looks = 0;
let shown = null; // the file whose first rows are shown

// The file itself is looked at while this page has it; after a reload, what the server has of it.
async function look() {
  if (!file && !complete) return;
  looks += 1;
  const [own, looked] = [looks, file];
  const recipe = forPreview(read(form), null);
  try {
    const answer = await (file ? lookAtFile(recipe) : post(`/api/v1/uploads/${known.id}/preview`, { recipe }));
    const said = await answer.json();
    if (own !== looks) return; // another file or format was chosen meanwhile
    if (!answer.ok) return refuse(said);
    at("trouble").replaceChildren();
    showPreview(said);
    shown = looked;
    write();
  } catch {
    // The upload says that the connection is broken; when it is through, the file is looked at again.
  }
}

function lookAtFile(recipe) {
  const data = new FormData();
  data.set("file", file.slice(0, HEAD_BYTES), file.name);
  data.set("recipe", recipe);
  return fetch("/api/v1/preview", { method: "POST", headers: { Accept: "application/json" }, body: data });
}

const post = (url, body) =>
  fetch(url, { method: "POST", headers: { Accept: "application/json", "Content-Type": "application/json" }, body: JSON.stringify(body) });

// --- the whole file --------------------------------------------------------------------------

async function ask(what, recipe) {
  const answer = await post(`/api/v1/uploads/${known.id}/${what}`, { recipe });
  const said = await answer.json();
  if (!answer.ok) throw { said };
  return said;
}

async function checkWhole() {
  if (!complete) return;
  try {
    report = await ask("check", at("recipe").value);
  } catch (problem) {
    report = null;
    at("report").replaceChildren();
    return void (problem.said && problem.said.code !== "recipe-invalid" && refuse(problem.said));
  }
  const lines = [`${count(report.rows)} ${report.rows === 1 ? "row" : "rows"}, ${count(report.to_do)} of them ${report.to_do === 1 ? "needs" : "need"} work.`];
  if (report.duplicates) {
    const [row, of] = report.first_duplicate;
    const said = report.duplicates === 1 ? "1 repeats an earlier row and is skipped" : `${count(report.duplicates)} repeat an earlier row and are skipped`;
    lines.push(`${said} (row ${count(row)} repeats row ${count(of)}).`);
  }
  for (const kind of report.decided) lines.push(`${count(kind.count)} ${kind.outcome}: ${kind.message} (first on line ${count(kind.first_line)}).`);
  if (report.blank_lines) lines.push(`${count(report.blank_lines)} blank lines are no rows.`);
  const list = make("ul", "notes");
  list.append(...lines.map((line) => make("li", "", line)));
  at("report").replaceChildren(list);
  showEstimate();
}

function showEstimate() {
  const said = report ? estimate(report.to_do, read(form), callMs) : "";
  at("estimate").hidden = !said;
  at("estimate").textContent = said;
}

async function tryRows() {
  const button = at("try");
  if (button.getAttribute("aria-disabled") === "true") return;
  if (!complete) return void toast({ kind: "error", title: "The file is not here yet", detail: "Choose a file; it is tried as soon as it has arrived." });
  button.setAttribute("aria-disabled", "true");
  try {
    const { rows } = await ask("try", at("recipe").value);
    const table = make("table");
    const head = make("thead");
    cells("th", ["Row", "Key", "Would be", "Why", "Took"], head);
    const body = make("tbody");
    for (const row of rows) {
      const line = cells("td", [count(row.row), row.key, "", row.message === row.outcome ? "" : row.message, `${count(row.duration_ms)} ms`], body);
      line.children[2].append(make("span", `outcome ${row.outcome}`, row.outcome));
      if (!row.would_add) continue;
      const more = cells("td", [JSON.stringify(row.would_add)], body);
      more.className = "more";
      more.firstElementChild.colSpan = 5;
    }
    table.append(head, body);
    const region = Object.assign(make("div", "scroll"), { tabIndex: 0, role: "region", ariaLabel: "The rows that were tried" });
    region.append(table);
    at("tried").replaceChildren(rows.length ? region : make("p", "hint", "No row of this file needs a call."));
    const timed = rows.filter((row) => row.duration_ms > 0).map((row) => row.duration_ms);
    callMs = timed.length ? timed.reduce((a, b) => a + b, 0) / timed.length : 0;
    showEstimate();
  } catch (problem) {
    at("tried").replaceChildren();
    refuse(problem.said ?? { title: "The server does not answer", detail: "Nothing was tried. Trying again is safe." });
  } finally {
    button.removeAttribute("aria-disabled");
  }
}

// --- the recipe ------------------------------------------------------------------------------

let settled = 0;

function write() {
  const fields = read(form);
  for (const field of form.querySelectorAll("[data-for]")) field.hidden = !field.dataset.for.split(" ").includes(fields.kind);
  const byHand = at("by-hand").checked;
  at("recipe").readOnly = !byHand;
  if (!byHand) at("recipe").value = toToml(fields, currentKey(fields.kind), at("name").value.trim());
  at("command-line").textContent = commandLine(known?.filename ?? "FILE.csv");
  save();
  showEstimate();
  clearTimeout(settled);
  settled = setTimeout(checkWhole, SETTLE_MS);
}

// --- start -----------------------------------------------------------------------------------

function refuse(said) {
  const box = make("div", "trouble");
  box.append(make("strong", "", said.title));
  if (said.detail) box.append(make("p", "", said.detail));
  if (Array.isArray(said.errors)) {
    const list = make("ul");
    list.append(...said.errors.map((error) => make("li", "", error.message ?? String(error))));
    box.append(list);
  }
  if (said.existing_job_id) {
    const link = make("a", "", "Show the job that does this already");
    link.href = `/jobs/${encodeURIComponent(said.existing_job_id)}`;
    box.append(link);
  }
  if (said.request_id) box.append(make("p", "request", `Request ${said.request_id}`));
  const close = make("button", "small", "Dismiss");
  close.type = "button";
  close.addEventListener("click", () => box.remove());
  box.append(close);
  at("trouble").replaceChildren(box);
  at("trouble").scrollIntoView({ block: "center" });
}

async function start(event) {
  event.preventDefault();
  const button = form.querySelector(".start button[type=submit]");
  if (button.getAttribute("aria-disabled") === "true") return;
  if (!known) return void refuse({ title: "There is no file yet", detail: "Choose a CSV, paste rows, or use the sample." });
  const label = button.querySelector(".label");
  button.setAttribute("aria-disabled", "true");
  label.textContent = complete ? button.dataset.busy : "Waiting for the file…";
  const until = setInterval(async () => {
    if (!complete && !sending?.signal.aborted) return;
    clearInterval(until);
    const data = new FormData();
    data.set("upload", known.id);
    data.set("recipe", at("recipe").value);
    if (at("name").value.trim()) data.set("name", at("name").value.trim());
    if (report) data.set("sha256", report.sha256); // a file that is another one than was reported on is refused
    if (at("first").checked) data.set("first", at("first").value);
    try {
      const answer = await fetch("/api/v1/jobs", { method: "POST", headers: { Accept: "application/json" }, body: data });
      const said = await answer.json();
      if (!answer.ok) return refuse(said);
      forget();
      location.assign(`/jobs/${said.job_id}`);
    } catch {
      refuse({ title: "The server does not answer", detail: "Nothing was started. The file is kept; trying again is safe." });
    } finally {
      button.removeAttribute("aria-disabled");
      label.textContent = "Start";
    }
  }, 50);
}

// --- begin -----------------------------------------------------------------------------------

function begin() {
  at("guided").disabled = false;
  at("guided").hidden = at("file-more").hidden = at("recipe-tools").hidden = false;
  at("file").addEventListener("change", () => at("file").files[0] && take(at("file").files[0]));
  at("use-sample").addEventListener("click", sample);
  at("use-paste").addEventListener("click", () => {
    const hidden = (at("paste-field").hidden = !at("paste-field").hidden);
    at("use-paste").setAttribute("aria-expanded", !hidden);
    if (!hidden) at("paste").focus();
  });
  at("paste-done").addEventListener("click", () => {
    if (at("paste").value.trim()) take(new File([at("paste").value], "pasted.csv", { type: "text/csv" }));
  });
  at("try").addEventListener("click", tryRows);
  form.addEventListener("input", (event) => {
    if (event.target.id === "recipe" || event.target.id === "paste") return void save();
    write();
  });
  for (const id of ["encoding", "delimiter", "header"]) at(id).addEventListener("change", look);
  form.addEventListener("submit", start);
  for (const button of form.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", async () => {
      const source = document.querySelector(button.dataset.copy);
      const label = button.querySelector(".label");
      const before = label.textContent;
      try {
        await navigator.clipboard.writeText(source.value ?? source.textContent);
        label.textContent = button.dataset.done;
        button.prepend(icon("circle-check"));
        setTimeout(() => ((label.textContent = before), button.firstElementChild.remove()), 2000);
      } catch {
        source.select ? source.select() : getSelection().selectAllChildren(source);
      }
    });
  }
  restore().finally(write);
}

begin();
