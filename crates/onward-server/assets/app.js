// Makes a page live. Without this script everything still works; it is then as new as its loading.

import { start as startActions } from "./actions.js";
import { start as startKeys } from "./keys.js";
import { follow } from "./leader.js";
import { articleOf, flush, page, refresh, show } from "./patch.js";
import { now, tick } from "./time.js";
import { start as startToasts } from "./toast.js";

const OFFLINE_AFTER_FAILURES = 3;
const pill = document.getElementById("conn");
const pause = document.getElementById("pause");
const fresh = document.getElementById("new-jobs");
const held = new Map(); // events that came while updates are paused
const newIds = new Set();
const seen = new Set(); // jobs heard of by event
const isWall = document.body.dataset.page === "wall";
const onWall = new Map(); // what the wall last heard of each job: whether it runs
let paused = false;
let connection = { state: "retry", until: 0, failures: 0 };
let dataOf = new Date();

// `resync` needs nothing: the whole state follows it.
function onEvent({ type, data }) {
  dataOf = new Date();
  if (!data) return;
  const body = JSON.parse(data);
  if (type === "snapshot") snapshot(body.jobs);
  else if (type === "job") take(body);
  else if (type === "change") changed(body.job_id);
  else if (type === "deleted") remove(body.job_id);
}

function snapshot(jobs) {
  const told = new Set(jobs.map((job) => job.job_id));
  jobs.forEach(take);
  for (const article of document.querySelectorAll("article.job")) {
    const { job, status } = article.dataset;
    if (!told.has(job) && ["queued", "running", "paused"].includes(status)) refresh(article);
  }
}

// A job's event comes just before; only one missed while away is fetched.
function changed(id) {
  const article = articleOf(id);
  if (article && !seen.has(id) && !paused) refresh(article);
}

function take(job) {
  seen.add(job.job_id);
  if (paused) return void held.set(job.job_id, job);
  if (articleOf(job.job_id)) show(job);
  else if (isWall) wall(job);
  else if (isNew(job)) offer(job.job_id);
}

// Nobody presses on a wall, so a job that starts appears by itself; one look per start, as the wall
// has no room for every job.
function wall({ job_id: id, status }) {
  const runs = status === "running";
  if (runs && !onWall.get(id)) page();
  onWall.set(id, runs);
}

// Jobs that were not there when the page was made are offered, never pushed in under the pointer.
function isNew(job) {
  const page = document.body.dataset;
  return page.page === "jobs" && !location.search && Date.parse(job.created_at) > Number(page.now);
}

function offer(id) {
  newIds.add(id);
  fresh.hidden = newIds.size === 0;
  fresh.textContent = newIds.size === 1 ? "1 new job - show" : `${newIds.size} new jobs - show`;
}

function remove(id) {
  held.delete(id);
  if (newIds.delete(id)) fresh.hidden = newIds.size === 0;
  const article = articleOf(id);
  if (!article) return;
  if (document.body.dataset.page === "job") location.assign("/");
  else article.remove();
}

// A delivery to a hook is no event: the page says when to look for what became of it.
function deliveries() {
  const due = document.getElementById("deliveries")?.dataset.due;
  if (due && now() > due && connection.state === "live" && !paused && !document.hidden) page();
}

function showConnection() {
  const seconds = Math.max(0, Math.ceil((connection.until - Date.now()) / 1000));
  const offline = !navigator.onLine || connection.failures >= OFFLINE_AFTER_FAILURES;
  let state = connection.state;
  let text = "Live";
  if (state !== "live") {
    state = offline ? "offline" : "retry";
    text = seconds ? `Reconnecting in ${seconds} s` : "Connecting";
    if (offline) text = `Offline, data of ${dataOf.toLocaleTimeString("en-GB", { timeZone: "UTC" })} UTC`;
  } else if (paused) {
    state = "paused";
    text = held.size ? `Paused, ${held.size} changed` : "Paused";
  }
  pill.dataset.state = state;
  const words = pill.querySelector(".text");
  if (words.textContent !== text) words.textContent = text;
}

function startLive() {
  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", paused);
    if (!paused) {
      const jobs = [...held.values()];
      held.clear();
      jobs.forEach(take);
      flush();
    }
    showConnection();
  });
  fresh?.addEventListener("click", () => location.assign("/"));
  follow("/api/v1/events", {
    event: onEvent,
    state: (state) => {
      connection = state;
      showConnection();
    },
  });
  addEventListener("offline", showConnection);
  addEventListener("online", showConnection);
  showConnection();
}

function startTheme() {
  const order = ["auto", "light", "dark"];
  const icons = { auto: "monitor", light: "sun", dark: "moon" };
  const button = document.getElementById("theme");
  const root = document.documentElement;
  const set = (theme) => {
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
    button.querySelector("span").textContent = theme[0].toUpperCase() + theme.slice(1);
    button.querySelector("use").setAttribute("href", `${document.body.dataset.icons}#${icons[theme]}`);
  };
  set(root.dataset.theme ?? "auto");
  button.hidden = false;
  button.addEventListener("click", () => {
    const next = order[(order.indexOf(root.dataset.theme ?? "auto") + 1) % order.length];
    set(next);
    try {
      localStorage.setItem("onward-theme", next);
    } catch {
      // It holds for this page only.
    }
  });
}

startToasts();
startActions();
startKeys();
startTheme();
if (pill) startLive();
setInterval(() => {
  tick();
  if (!pill) return;
  showConnection();
  deliveries();
}, 1000);
