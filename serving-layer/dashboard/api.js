/* SPDX-License-Identifier: Apache-2.0
 * The public API: requests with the token in a header, and event streams by fetch, which can send it. */
import {parseExactly} from "./figures.js";

const ANSWER_WITHIN = 20000, SILENCE = 40000; /* a stream says something every 15 s */
const RETRY_FIRST = 500, RETRY_MOST = 10000, ASK_EVERY = 3000, ASK_TIMES = 20;
const STREAMS = 4; /* of all tabs: a browser opens six connections to a server, and one is for plain requests */

export const token = {
  get: () => sessionStorage.getItem("token"),
  set: text => sessionStorage.setItem("token", text),
};

export class Refused extends Error {
  constructor(status, detail) { super(detail); this.status = status; }
}

async function request(path, headers, signal) {
  const authorization = token.get() ? {Authorization: `Bearer ${token.get()}`} : {};
  const answer = await fetch(path, {cache: "no-cache", headers: {...headers, ...authorization}, signal});
  if (answer.ok) return answer;
  let detail = answer.statusText;
  try { detail = (await answer.json()).detail; } catch { /* a proxy's own page */ }
  throw new Refused(answer.status, detail || `status ${answer.status}`);
}

export async function ask(path) {
  return parseExactly(await (await request(path, {}, AbortSignal.timeout(ANSWER_WITHIN))).text());
}

/* What only operators are told; null where the token is for none. */
export async function askAsOperator(path) {
  try { return await ask(path); } catch (error) {
    if (error.status !== 403) throw error;
    return null;
  }
}

export async function download(path, name) {
  const answer = await request(path, {Accept: "text/csv"}, AbortSignal.timeout(ANSWER_WITHIN));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

export function viewPath(view, question, tail = "") {
  const query = Object.entries(question).map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`);
  return `/v1/views/${encodeURIComponent(view)}${tail}?${query.join("&")}`;
}

/* One event of a stream, or null for a comment. */
function parseEvent(text) {
  const event = {};
  for (const line of text.split("\n")) {
    const colon = line.indexOf(": ");
    if (colon > 0) event[line.slice(0, colon)] = line.slice(colon + 2);
  }
  return event.data ? event : null;
}

/* Reads a stream until it ends; that is an error too. */
async function readStream(path, lastId, onEvent, abort) {
  let silence = setTimeout(() => abort.abort(), SILENCE);
  try {
    const headers = lastId ? {Accept: "text/event-stream", "Last-Event-ID": lastId} : {Accept: "text/event-stream"};
    const reader = (await request(path, headers, abort.signal)).body.pipeThrough(new TextDecoderStream()).getReader();
    for (let text = ""; ;) {
      const {value, done} = await reader.read();
      if (done) throw new TypeError("the stream has ended");
      clearTimeout(silence);
      silence = setTimeout(() => abort.abort(), SILENCE);
      const events = (text + value).split("\n\n");
      text = events.pop();
      events.map(parseEvent).filter(Boolean).forEach(onEvent);
    }
  } finally { clearTimeout(silence); }
}

/* Runs `work` while this tab has one of the connections that all tabs share; false where there is none to have. */
async function withConnection(work) {
  if (!navigator.locks) { await work(); return true; } /* the page isn't from here, and not by TLS */
  for (let number = 0; number < STREAMS; number++) {
    const had = await navigator.locks.request(`tidemark-stream-${number}`, {ifAvailable: true}, async lock => {
      if (lock) await work();
      return lock !== null;
    });
    if (had) return true;
  }
  return false;
}

/* Follows a stream until it is closed: comes back where it is cut off, and asks now and then where there is no stream to
 * have. `take` is given each event; `askInstead` asks for all; `onTrouble` is told of errors, and null when it is well. */
export function follow({path, take, askInstead, onTrouble}) {
  let closed = false, abort = null, lastId = null, failures = 0, wake = () => {};
  const pause = ms => new Promise(done => { wake = done; setTimeout(done, ms); });
  const isNoStream = error => error instanceof Refused && ![401, 403, 404].includes(error.status);
  const well = () => { failures = 0; if (!closed) onTrouble(null); };

  async function stream() {
    if (closed) return; /* while it waited for a connection */
    abort = new AbortController();
    await readStream(path, lastId, event => {
      if (closed) return;
      if (event.event === "problem") throw new TypeError(parseExactly(event.data).detail);
      if (event.id) lastId = event.id;
      well();
      take(parseExactly(event.data));
    }, abort);
  }
  async function asking() {
    lastId = null;
    for (let i = 0; i < ASK_TIMES && !closed; i++) {
      await askInstead(() => closed);
      well();
      await pause(ASK_EVERY);
    }
  }
  async function once() {
    try {
      if (await withConnection(stream)) return;
    } catch (error) {
      if (!isNoStream(error)) throw error;
    }
    if (!closed) await asking();
  }
  (async () => {
    while (!closed) {
      try { await once(); } catch (error) {
        if (closed) return;
        onTrouble(error);
        await pause(Math.min(RETRY_FIRST * 2 ** failures++, RETRY_MOST));
      }
    }
  })();
  return {
    close() { closed = true; if (abort) abort.abort(); wake(); },
    again() { wake(); },
  };
}
