// One connection for all tabs: browsers allow six per server, and a dashboard is opened in eight.
// The tab that holds the lock reads the stream and passes it on. Where there are no locks (plain
// HTTP on a network), every tab reads for itself and only while it is visible.

import { stream } from "./stream.js";

const LEADER_SILENT_MS = 45000; // three heartbeats; then this tab reads for itself
const MOST_KNOWN = 300; // more jobs than any page shows

export function follow(url, on) {
  if (!navigator.locks || !window.BroadcastChannel) return alone(url, on);
  const channel = new BroadcastChannel("onward-events");
  const known = new Map(); // the leader's last word on each job, for tabs that open later
  let lastState = { state: "retry", until: 0, failures: 0 };
  let link = null;
  let leads = false;
  let heard = Date.now();

  const tell = (message) => {
    if (leads) channel.postMessage(message);
    message.event ? on.event(message.event) : on.state(message.state);
  };
  const keep = (job) => {
    known.delete(job.job_id);
    known.set(job.job_id, { type: "job", data: JSON.stringify(job) });
    if (known.size > MOST_KNOWN) known.delete(known.keys().next().value);
  };
  const open = () => {
    link ??= stream(url, {
      event: (event) => {
        if (event.type === "job") keep(JSON.parse(event.data));
        if (event.type === "snapshot") JSON.parse(event.data).jobs.forEach(keep);
        tell({ event });
      },
      state: (state) => {
        lastState = state;
        tell({ state });
      },
    });
  };
  channel.onmessage = ({ data }) => {
    if (data.hello) {
      if (leads) for (const event of known.values()) channel.postMessage({ event });
      if (leads) channel.postMessage({ state: lastState });
      return;
    }
    if (leads) return void (data.hurry && link.hurry());
    if (data.hurry) return;
    heard = Date.now();
    if (link) (link.stop(), (link = null)); // the leader is back
    if (data.state) lastState = data.state;
    data.event ? on.event(data.event) : on.state(data.state);
  };
  navigator.locks.request("onward-events", () => {
    leads = true;
    open();
    return new Promise(() => {}); // held until the tab is gone
  });
  channel.postMessage({ hello: true });
  // A frozen tab heard nothing: what it missed is asked for.
  document.addEventListener("resume", () => (link ? link.anew() : channel.postMessage({ hello: true })));
  // A hidden leader sleeps too long; a tab that somebody looks at wakes it.
  setInterval(() => {
    const due = lastState.state === "retry" && Date.now() > lastState.until + 500;
    if (!leads && due && !document.hidden) channel.postMessage({ hurry: true });
  }, 1000);
  setInterval(() => {
    if (leads) channel.postMessage({ state: lastState });
    else if (Date.now() - heard > LEADER_SILENT_MS) open();
  }, 15000);
}

function alone(url, on) {
  let link = null;
  const look = () => {
    if (document.hidden) (link?.stop(), (link = null));
    else link ??= stream(url, on);
  };
  document.addEventListener("visibilitychange", look);
  document.addEventListener("resume", () => link?.anew());
  look();
}
