// The event stream, read with fetch: unlike EventSource it survives a 503, honours Retry-After, and
// notices a connection that is open and dead.

const SILENCE_MS = 35000; // the server's heartbeat comes every 15 s; two may get lost
const LOOK_MS = 1000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30000;

// Calls on.event({ type, id, data }) and on.state({ state, until?, failures? }) until stopped.
// Answers { stop, hurry, anew }: `hurry` ends a wait that is over, where the browser slows a hidden tab's
// timers; `anew` gives up a connection of which nobody knows what became of it, as after a tab was frozen.
export function stream(url, on) {
  let lastId = "";
  let failures = 0;
  let stopped = false;
  let abort = new AbortController();
  let wake = () => {};
  let until = 0;
  let heard = 0;
  let reading = false;

  const anew = () => reading && abort.abort();
  // By the clock of the day: after a machine has slept, the silence is noticed at once.
  const watchdog = setInterval(() => Date.now() - heard > SILENCE_MS && anew(), LOOK_MS);

  async function read() {
    const signal = abort.signal;
    heard = Date.now();
    reading = true;
    try {
      const headers = { Accept: "text/event-stream" };
      if (lastId) headers["Last-Event-ID"] = lastId;
      const answer = await fetch(url, { headers, signal, cache: "no-store" });
      if (!answer.ok || !answer.body) return Number(answer.headers.get("Retry-After")) * 1000 || 0;
      const chunks = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      for (;;) {
        const { done, value } = await chunks.read();
        if (done) return 0;
        heard = Date.now();
        failures = 0;
        on.state({ state: "live" });
        const blocks = (rest + value).replace(/\r\n?/g, "\n").split("\n\n");
        rest = blocks.pop();
        blocks.forEach(tell);
      }
    } finally {
      reading = false;
      abort.abort();
      abort = new AbortController();
    }
  }

  function tell(block) {
    const event = { type: "message", id: "", data: "" };
    for (const line of block.split("\n")) {
      const at = line.indexOf(":");
      if (at < 1) continue; // a comment is a heartbeat
      const value = line.slice(at + 1).replace(/^ /, "");
      const field = line.slice(0, at);
      if (field === "event") event.type = value;
      else if (field === "data") event.data += (event.data && "\n") + value;
      else if (field === "id") event.id = lastId = value;
    }
    if (event.data || event.type !== "message") on.event(event);
  }

  async function run() {
    while (!stopped) {
      const asked = await read().catch(() => 0);
      if (stopped) return;
      failures += 1;
      const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - 1));
      const ms = Math.max(asked, wait * (0.5 + Math.random() / 2)); // jitter: tabs must not come back in step
      until = Date.now() + ms;
      on.state({ state: "retry", until, failures });
      await new Promise((done) => {
        wake = done;
        setTimeout(done, ms);
      });
    }
  }

  const online = () => wake();
  addEventListener("online", online);
  run();
  const stop = () => {
    stopped = true;
    removeEventListener("online", online);
    clearInterval(watchdog);
    abort.abort();
    wake();
  };
  return { stop, hurry: () => Date.now() >= until && wake(), anew };
}
