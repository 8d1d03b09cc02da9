// The recipe that the fields of the new-job page stand for, as TOML; and what it would cost.

import { count, duration } from "./time.js";

const text = (value) => JSON.stringify(value); // a JSON text is a TOML text, but for what no field holds

// The fields as a plain object, which is also the draft that survives a reload.
export function read(form) {
  const value = (id) => form.querySelector(`#${id}`).value.trim();
  return {
    kind: form.querySelector("input[name=kind]:checked").value,
    encoding: value("encoding"),
    delimiter: form.querySelector("#delimiter").value,
    header: value("header"),
    key: value("key"),
    url: value("url"),
    auth: value("auth"),
    command: value("command"),
    keep: value("keep"),
    table: value("table"),
    rate: value("rate"),
    concurrency: value("concurrency"),
    failedShare: value("failed-share"),
    breaker: value("breaker"),
  };
}

// `key` is { field, header }: a field by another name than its header gets a line in [columns].
export function toToml(fields, key, name) {
  const lines = [];
  if (name) lines.push(`name = ${text(name)}`);
  if (key) lines.push(`key = [${text(key.field)}]`);
  const input = [];
  if (fields.encoding) input.push(`encoding = ${text(fields.encoding)}`);
  if (fields.delimiter) input.push(`delimiter = ${text(fields.delimiter)}`);
  if (fields.header) input.push("header = false");
  if (input.length) lines.push("", "[input]", ...input);
  if (key && key.field !== key.plain) lines.push("", "[columns]", `${key.field} = ${text(key.header)}`);
  lines.push("", "[work]", `kind = ${text(fields.kind)}`);
  if (fields.kind === "http") {
    lines.push(`url = ${text(fields.url)}`);
    if (fields.auth) lines.push(`headers = { authorization = "Bearer {{ secret.${fields.auth} }}" }`);
  }
  if (fields.kind === "command") lines.push(`command = ${text(fields.command)}`);
  lines.push(`concurrency = ${Number(fields.concurrency) || 8}`);
  if (fields.rate) lines.push(`rate = ${text(fields.rate)}`);
  if (fields.kind === "creators") {
    if (fields.url) {
      lines.push("", "[fetch]", `url = ${text(fields.url)}`);
      if (fields.auth) lines.push(`headers = { authorization = "Bearer {{ secret.${fields.auth} }}" }`);
    }
    if (fields.keep) lines.push("", "[filter]", `keep = ${text(fields.keep)}`);
    lines.push("", "[add]", `table = ${text(fields.table || "creators")}`);
  }
  if (fields.breaker) lines.push("", "[breaker]", `failures_in_a_row = ${Number(fields.breaker)}`);
  if (fields.failedShare) lines.push("", "[stop]", `failed_share = ${Number(fields.failedShare) / 100}`);
  return lines.join("\n").trim() + "\n";
}

// The beginning of a recipe that is enough to read a file by.
export function forPreview(fields, key) {
  return toToml({ ...fields, kind: "creators", url: "", auth: "", keep: "", rate: "", breaker: "", failedShare: "" }, key, "");
}

const SECONDS = { s: 1, sec: 1, second: 1, m: 60, min: 60, minute: 60, h: 3600, hour: 3600, d: 86400, day: 86400 };

// Calls a second of `50/min`; null when it says no such thing.
export function perSecond(rate) {
  const found = rate.match(/^\s*([\d.]+)\s*\/\s*([a-z]+)\s*$/);
  const seconds = found && SECONDS[found[2].replace(/s$/, "") || "s"];
  return seconds ? Number(found[1]) / seconds : null;
}

// "313 rows at 10/s: about 31 s", as far as it can be known.
export function estimate(rows, fields, callMs) {
  if (!rows) return "";
  const said = `${count(rows)} ${rows === 1 ? "row" : "rows"}`;
  const places = Number(fields.concurrency) || 8;
  const limits = [];
  const rate = fields.rate && perSecond(fields.rate);
  if (rate) limits.push({ speed: rate, why: `at ${fields.rate}` });
  if (callMs) limits.push({ speed: (places * 1000) / callMs, why: `with ${places} calls of ${Math.round(callMs)} ms at a time` });
  if (!limits.length) return `${said} to do. Try 3 rows for an estimate of the time.`;
  const slowest = limits.reduce((a, b) => (a.speed < b.speed ? a : b));
  const ms = (rows / slowest.speed) * 1000;
  return `${said} ${slowest.why}: about ${ms < 1e4 ? `${Math.max(1, Math.round(ms / 1000))} s` : duration(ms)}`;
}

export function commandLine(filename) {
  const quoted = /^[\w./-]+$/.test(filename) ? filename : `'${filename.replaceAll("'", "'\\''")}'`;
  return `onward run ${quoted} --recipe recipe.toml`;
}
