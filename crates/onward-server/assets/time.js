// Times and numbers as people read them; the same words as format.rs on the server.

// The server's clock rules: a reader's clock that is wrong must not show in "6 min ago".
const skew = Date.now() - Number(document.body.dataset.now);
export const now = () => Date.now() - skew;

export const count = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, ",");

export function duration(ms) {
  ms = Math.max(0, ms);
  if (ms < 1e4) return `${Math.floor(ms / 100) / 10}`.replace(/^\d+$/, "$&.0") + " s";
  if (ms < 9e4) return `${Math.floor(ms / 1e3)} s`;
  if (ms < 54e5) return `${Math.floor(ms / 6e4)} min`;
  if (ms < 1728e5) return `${Math.floor(ms / 36e5)} h`;
  return `${Math.floor(ms / 864e5)} d`;
}

export const ago = (ms) => (ms < 100 ? "just now" : `${duration(ms)} ago`);

export const left = (seconds) => (seconds < 10 ? `${seconds} s` : duration(seconds * 1000));

export function rate(speed) {
  if (speed >= 100) return `${count(Math.round(speed))} rows/s`;
  return speed >= 0.1 ? `${speed.toFixed(1)} rows/s` : `${(speed * 60).toFixed(1)} rows/min`;
}

const TELL = {
  ago: (at) => ago(now() - at),
  for: (at) => duration(now() - at),
  in: (at) => `in ${duration(at - now())}`,
};

export function tick() {
  for (const time of document.querySelectorAll("time[data-rel]")) {
    const text = TELL[time.dataset.rel](Date.parse(time.dateTime));
    if (time.textContent !== text) time.textContent = text;
  }
}

export const moment = (iso) => iso.replace("T", " ").replace(/\.\d+Z$/, " UTC");
