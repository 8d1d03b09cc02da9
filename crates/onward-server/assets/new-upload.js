// Sends a file in parts and goes on where it was, whatever breaks: the connection, the server, this
// page. The server says how far it got; parts at another place change nothing.

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15000;

const wait = (ms) => new Promise((done) => setTimeout(done, ms));

async function json(url, options) {
  const answer = await fetch(url, options);
  const said = answer.status === 204 ? {} : await answer.json();
  return { answer, said };
}

// Answers the upload's id once it exists; `on.progress(offset)` and `on.waiting(seconds)` tell how it goes.
// Throws { said } for what trying again does not help.
export async function upload(file, known, on, signal) {
  const id = (known && (await resume(known, file))) || (await announce(file));
  on.id(id);
  let failures = 0;
  let offset = null;
  while (!signal.aborted) {
    try {
      if (offset === null) offset = (await look(id)).offset;
      on.progress(offset);
      if (offset >= file.size) return id;
      const part = file.slice(offset, offset + partBytes);
      const { answer, said } = await json(`/api/v1/uploads/${id}`, {
        method: "PUT",
        headers: { "Upload-Offset": String(offset), "Content-Type": "application/octet-stream", Accept: "application/json" },
        body: part,
        signal,
      });
      if (answer.ok) {
        offset = said.offset;
        failures = 0;
      } else if (said.code === "upload-offset" || answer.status >= 500 || answer.status === 408 || answer.status === 429) {
        offset = null;
        throw new Error("again");
      } else {
        throw { said };
      }
    } catch (problem) {
      if (problem.said || signal.aborted) throw problem;
      offset = null;
      failures += 1;
      const ms = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - 1)) * (0.5 + Math.random() / 2);
      on.waiting(Math.ceil(ms / 1000));
      await wait(ms);
    }
  }
  return id;
}

let partBytes = 4 << 20;

async function announce(file) {
  for (;;) {
    const { answer, said } = await json("/api/v1/uploads", {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify({ filename: file.name, bytes: file.size }),
    }).catch(() => ({ answer: { status: 503 }, said: {} }));
    if (answer.ok) {
      partBytes = said.part_bytes;
      return said.upload_id;
    }
    if (answer.status < 500) throw { said };
    await wait(1000);
  }
}

async function look(id) {
  const { answer, said } = await json(`/api/v1/uploads/${id}`, { headers: { Accept: "application/json" }, cache: "no-store" });
  if (answer.ok) return said;
  if (answer.status === 404) throw { said };
  throw new Error("again");
}

// An upload that an earlier page began, if it is of this very file.
async function resume(known, file) {
  if (known.bytes !== file.size || known.filename !== file.name) return null;
  return look(known.id).then(
    () => known.id,
    () => null,
  );
}

export async function standing(known) {
  return look(known.id).catch(() => null);
}
