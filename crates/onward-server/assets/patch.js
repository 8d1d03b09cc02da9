// Puts a job's new numbers into the page. Only texts and widths change here; whenever buttons could
// change, the HTML comes from the server and is morphed in.

import { ago, count, left, moment, now, rate } from "./time.js";

const LEAST_MS = 250; // at most four times a second per job
const SUMMARY_MS = 5000;
const FAILED_MS = 1500; // the pictures of a job's page follow its count of failed rows
const OUTCOMES = ["added", "failed", "skipped", "filtered"];
const waiting = new Map(); // job id -> newest job not shown yet
const announced = new Map();
const live = document.getElementById("announce");
const isJobPage = document.body.dataset.page === "job";
const isWall = document.body.dataset.page === "wall";
let timer = 0;

export const articleOf = (id) => document.querySelector(`article.job[data-job="${CSS.escape(id)}"]`);

// Shows a job soon; of several states within a quarter of a second, the last.
export function show(job) {
  waiting.set(job.job_id, job);
  timer ||= setTimeout(flush, LEAST_MS);
}

export function flush() {
  clearTimeout(timer);
  timer = 0;
  for (const job of waiting.values()) apply(job);
  waiting.clear();
  title();
}

const stateOf = (job) => [job.status, job.stuck?.reason ?? "", job.allowed_actions.join(" "), job.attempt].join("|");
const stateIn = ({ dataset: d }) => [d.status, d.stuck ?? "", d.actions, d.attempt].join("|");

function apply(job) {
  const article = articleOf(job.job_id);
  if (!article) return;
  const changed = stateOf(job) !== stateIn(article);
  const failedMore = isJobPage && article.dataset.failed !== String(job.results.failed);
  numbers(article, job);
  if (changed) {
    say(`${job.name}: ${job.stuck ? "stuck" : job.status}`);
    refresh(article);
  } else {
    milestones(job);
  }
  if (changed) summary(0);
  else if (job.status === "running") summary(failedMore ? FAILED_MS : SUMMARY_MS);
}

function numbers(article, job) {
  const { total_items: total, processed_items: done, results, checkpoint } = job;
  const percent = total ? Math.floor((done * 100) / total) : 100;
  Object.assign(article.dataset, { processed: done, failed: results.failed, percent, next: job.resume_from_row ?? total });
  const sentence = `${count(done)}/${count(total)} with ${count(results.failed)} failed`;
  const scope = isJobPage ? document : article;
  const text = (bind, value) => {
    for (const element of scope.querySelectorAll(`[data-bind=${bind}]`)) {
      if (element.textContent !== value) element.textContent = value;
    }
  };
  text("progress", sentence);
  text("percent", `${percent} %`);
  for (const outcome of OUTCOMES) text(outcome, count(results[outcome]));
  text("all", count(done));
  text("speed", speed(job));
  text("checkpoint", checkpointText(checkpoint));
  text("workers", workersText(job.workers ?? []));
  text("low-water", count(checkpoint.low_water));
  text("ahead", count(checkpoint.ahead));
  text("in-doubt", count(job.in_doubt_rows ?? 0));
  const doubted = isJobPage && document.getElementById("doubted");
  if (doubted) doubted.hidden = !job.in_doubt_rows;
  if (job.resume_from_row) text("next", count(job.resume_from_row));
  if (job.stuck) text("stuck", job.stuck.detail.replace(/^./, (first) => first.toUpperCase()));
  if (checkpoint.saved_at) {
    for (const time of scope.querySelectorAll("[data-bind=saved] time")) {
      time.dateTime = checkpoint.saved_at;
      time.title = moment(checkpoint.saved_at);
      time.textContent = ago(now() - Date.parse(checkpoint.saved_at));
    }
  }
  const label = article.querySelector("[data-action=resume] .label");
  if (label && !label.closest("[aria-disabled]") && job.resume_from_row) {
    label.textContent = `Resume from row ${count(job.resume_from_row)}`;
  }
  bar(article.querySelector(".bar"), results, done, total, sentence);
  article.querySelector("[data-spark] polyline")?.setAttribute("points", points(job.pace ?? []));
}

function bar(element, results, done, total, sentence) {
  element.setAttribute("aria-valuenow", done);
  element.setAttribute("aria-valuetext", sentence);
  const parts = widths(results, done, total);
  let x = 0;
  for (const outcome of OUTCOMES) {
    const rect = element.querySelector(`[data-part=${outcome}]`);
    rect.setAttribute("x", `${x / 10}%`);
    rect.setAttribute("width", `${parts[outcome] / 10}%`);
    x += parts[outcome];
  }
}

// The same sum as `widths` in bar.rs: what occurred at all is seen, and the bar never runs over.
export function widths(results, done, total) {
  const of = (rows) => Math.floor((rows * 1000) / Math.max(1, total));
  const parts = {};
  let widest = OUTCOMES[0];
  for (const outcome of OUTCOMES) {
    parts[outcome] = results[outcome] ? Math.max(5, of(results[outcome])) : 0;
    if (parts[outcome] >= parts[widest]) widest = outcome;
  }
  const sum = OUTCOMES.reduce((all, outcome) => all + parts[outcome], 0);
  const excess = Math.max(0, sum - Math.min(1000, of(done)));
  parts[widest] = Math.min(parts[widest], Math.max(5, parts[widest] - excess));
  return parts;
}

const speed = (job) =>
  (job.rows_per_second == null ? "" : `${rate(job.rows_per_second)} · `) +
  (job.eta_range_seconds ? `${job.eta_range_seconds.map(left).join(" to ")} left · ` : job.eta_seconds == null ? "" : `about ${left(job.eta_seconds)} left · `);

// The same points as spark.rs.
function points(pace) {
  const top = Math.max(0.1, ...pace);
  return pace.length < 2 ? "" : pace.map((rate, at) => `${Math.floor((at * 96) / (pace.length - 1))},${Math.round(19 - (rate / top) * 18)}`).join(" ");
}

function checkpointText({ low_water: low, ahead }) {
  if (!low && !ahead) return "no row saved yet";
  return `checkpoint at row ${count(low)}` + (ahead ? ` and ${count(ahead)} beyond` : "");
}

function workersText(holders) {
  const names = [...new Set(holders.map((holder) => holder.worker))].sort();
  return names.length ? ` · worker${names.length > 1 ? "s" : ""} ${names.join(", ")}` : "";
}

function milestones(job) {
  const quarter = Math.floor((job.processed_items * 4) / Math.max(1, job.total_items)) * 25;
  const before = announced.get(job.job_id) ?? quarter;
  announced.set(job.job_id, quarter);
  if (quarter > before) say(`${job.name}: ${quarter} %, ${job.results.failed} failed`);
}

export const say = (text) => (live.textContent = text);

function title() {
  const article = document.querySelector("article.job");
  if (isJobPage && article) {
    document.title = `${article.dataset.percent} % ${article.dataset.name} – Onward`;
  } else if (isWall || document.body.dataset.page === "jobs") {
    const running = document.querySelectorAll("article.job[data-status=running]");
    const percent = running.length === 1 ? `${running[0].dataset.percent} % ${running[0].dataset.name}` : running.length ? `${running.length} running` : isWall ? "Wall" : "Jobs";
    document.title = `${percent} – Onward`;
  }
}

// --- HTML from the server ---------------------------------------------------------------------

const typedIn = (node) => node.nodeType === 1 && node.matches("input, textarea") && (node.value !== node.defaultValue || node.checked !== node.defaultChecked);
const options = {
  ignoreActiveValue: true,
  callbacks: {
    // What a person opened stays open, what is being pressed stays pressed.
    beforeNodeMorphed: (node) => !typedIn(node),
    beforeAttributeUpdated: (name, node) => !(name === "open" && node.tagName === "DETAILS"),
  },
};
const fetching = new Map();

// Fetches the HTML of an element anew and morphs it in; asked again meanwhile, it goes round once more.
async function renew(element, url, pick) {
  if (fetching.has(url)) return void fetching.set(url, true);
  fetching.set(url, false);
  try {
    const answer = await fetch(url, { headers: { Accept: "text/html" }, cache: "no-store" });
    if (!answer.ok) return;
    const fresh = pick(new DOMParser().parseFromString(await answer.text(), "text/html"));
    if (!fresh || !element.isConnected) return;
    const focused = element !== document.activeElement && element.contains(document.activeElement);
    Idiomorph.morph(element, fresh, options);
    // The button that was pressed is gone: the focus goes to what can be done next.
    if (focused && document.activeElement === document.body) element.querySelector(".acts :is(button, a)")?.focus();
  } catch {
    // The stream will say that the connection is gone.
  } finally {
    const again = fetching.get(url);
    fetching.delete(url);
    if (again) renew(element, url, pick);
    title();
  }
}

export function refresh(article) {
  if (isJobPage || isWall) return page();
  const id = article.dataset.job;
  return renew(article, `/jobs/${id}/card`, (html) => html.querySelector("article.job"));
}

// The whole page: a job's own, whose parts all follow its state, and the wall, which jobs leave.
export function page() {
  const main = document.getElementById("main");
  return renew(main, location.pathname + location.search, (html) => html.getElementById("main"));
}

// The map, the charts and the last outcomes of a job's page.
function pictures() {
  const element = document.getElementById("live");
  const id = document.querySelector("article.job")?.dataset.job;
  return element && renew(element, `/jobs/${id}/live`, (html) => html.getElementById("live"));
}

let summaryTimer = 0;
let summaryAt = 0;

// The tiles over all jobs; the pictures of a job's own page go along at the same pace.
function summary(ms) {
  if (summaryTimer && ms) return;
  clearTimeout(summaryTimer);
  summaryTimer = setTimeout(async () => {
    summaryTimer = 0;
    if (document.hidden) return;
    if (isJobPage) return void (ms && pictures());
    const element = document.getElementById("summary");
    if (element) await renew(element, "/summary", (html) => html.getElementById("summary"));
  }, Math.max(ms && summaryAt + ms - Date.now(), 50));
  summaryAt = Date.now();
}
