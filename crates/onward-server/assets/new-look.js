// What the new-job page shows of a file: its first rows, its format, and which column names a row.

import { make } from "./toast.js";

export const at = (id) => document.getElementById(id);

export function cells(tag, values, parent) {
  const line = make("tr");
  for (const value of values) line.append(make(tag, "", value));
  parent.append(line);
  return line;
}

// The first rows, what was found out about the format, and the columns to choose an identity from.
export function showPreview(preview) {
  const { columns, samples, encoding, delimiter, warnings } = preview;
  const named = { ",": "commas", ";": "semicolons", "\t": "tabs", "|": "pipes" }[delimiter] ?? delimiter;
  at("format-found").textContent = `${encoding}, separated by ${named}, ${columns.length} columns. Everything is text: leading zeros stay.`;
  const table = make("table");
  const head = make("thead");
  cells("th", ["Line", ...columns], head);
  const body = make("tbody");
  for (const row of samples.slice(0, 8)) {
    const line = cells("td", [row.line, ...row.fields], body);
    if (row.decided) {
      line.className = "decided";
      line.title = `${row.decided.outcome}: ${row.decided.message}`;
    }
  }
  table.append(head, body);
  at("preview").replaceChildren(table);
  at("notes").replaceChildren(...warnings.map((warning) => make("li", "", warning.line ? `${warning.message} (line ${warning.line})` : warning.message)));
  showColumns(preview);
}

// How likely a column names a row, and why a person would say so.
function judge(header, values) {
  const filled = values.filter((value) => value.trim());
  const distinct = new Set(filled.map((value) => value.trim().toLowerCase())).size;
  const name = header.toLowerCase();
  const reasons = [];
  let score = 0;
  if (/handle|user ?name|instagram|tiktok|account|profile|channel/.test(name)) (score += 5), reasons.push("its header names a handle");
  else if (/\b(id|key|url|link|email|e-mail)\b/.test(name)) (score += 4), reasons.push("its header names an identity");
  else if (/name/.test(name)) (score += 1), reasons.push("its header is a name");
  if (filled.length && filled.every((value) => /^@|^https?:/.test(value.trim()))) (score += 3), reasons.push("every value is a handle or an address");
  if (filled.length > 1 && distinct === filled.length) (score += 2), reasons.push("no value is there twice");
  if (filled.some((value) => /\s/.test(value.trim()))) score -= 2;
  if (!filled.length) score = -9;
  return { score, why: reasons.join(", ") || "nothing speaks for it" };
}

function showColumns(preview) {
  const select = at("key");
  const wanted = select.value || select.dataset.wanted;
  const mapped = preview.mapping.map(({ field, column, position }) => {
    const values = preview.samples.map((row) => row.fields[position - 1] ?? "");
    return { field, column, values, ...judge(column, values) };
  });
  const best = mapped.reduce((a, b) => (b.score > (a?.score ?? 0) ? b : a), null);
  const none = make("option", "", "none: every row stands for itself");
  none.value = "";
  const options = mapped.map(({ field, column }) => {
    const option = make("option", "", column || field);
    option.value = field;
    option.dataset.header = column;
    return option;
  });
  select.replaceChildren(none, ...options);
  select.value = mapped.some(({ field }) => field === wanted) ? wanted : (best?.field ?? "");
  const table = at("mapping");
  const head = make("thead");
  cells("th", ["Column", "Reached as", "Examples"], head);
  const body = make("tbody");
  for (const { field, column, values } of mapped) {
    const line = cells("td", [column || "(no header)", "", values.filter(Boolean).slice(0, 3).join(" · ")], body);
    line.children[1].append(make("code", "", field));
  }
  table.replaceChildren(head, body);
  explainKey(mapped);
  select.onchange = () => explainKey(mapped);
}

function explainKey(mapped) {
  const chosen = mapped.find(({ field }) => field === at("key").value);
  at("key-hint").textContent = chosen
    ? `${chosen.why.replace(/^./, (letter) => letter.toUpperCase())}. A repeat in the file is skipped, free and first.`
    : "Without it a row that is there twice is done twice.";
}

// The chosen identity, and the name a recipe knows it by.
export function currentKey(kind) {
  const option = at("key").selectedOptions[0];
  if (!option?.value) return null;
  // Templates of the creators work speak of a handle, whatever the file calls it.
  const field = kind === "creators" ? "handle" : option.value;
  return { header: option.dataset.header, plain: option.value, field };
}
