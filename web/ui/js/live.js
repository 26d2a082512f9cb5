// @ts-check
// The stream of events: one connection for the whole page, closed while nobody
// looks, taken up again where it broke.

import { signal } from "../vendor/preact.js";
import { get, loggedIn } from "./api.js";

/** connecting, live or lost */
export const status = signal("connecting");
/** When the connection was lost: what is shown is as old as that. */
export const asOf = signal(/** @type {Date | null} */ (null));

/** @typedef {{seq: number, kind: string, study?: string, trial?: number}} Event */
/** @type {Set<(e: Event) => void>} */
const listeners = new Set();
/** @type {EventSource | null} */
let source = null;
let last = ""; // id of the last event
let retry = 0;
let wait = 1000;

/**
 * Calls fn for every event. Two kinds are the stream's own: "hello" says that
 * a stream starts here, so something may have changed before; "resync" that
 * events were skipped, so everything has to be read again.
 * @param {(e: Event) => void} fn
 * @returns {() => void} ends it
 */
export function subscribe(fn) {
  listeners.add(fn);
  return () => listeners.delete(fn);
}

/** @param {MessageEvent} m @param {string} [kind] */
function take(m, kind) {
  last = m.lastEventId;
  const e = JSON.parse(m.data);
  if (kind) e.kind = kind;
  for (const fn of listeners) fn(e);
}

function open() {
  close();
  source = new EventSource(`/api/v1/events${last ? `?since=${last}` : ""}`);
  source.onopen = () => {
    status.value = "live";
    wait = 1000;
  };
  source.addEventListener("hello", (m) => take(m, "hello"));
  source.addEventListener("resync", (m) => take(m, "resync"));
  source.addEventListener("change", (m) => take(m));
  source.onerror = lost;
}

function close() {
  clearTimeout(retry);
  source?.close();
  source = null;
}

async function lost() {
  if (status.value !== "lost") {
    asOf.value = new Date();
    status.value = "lost";
  }
  if (source?.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
  clearTimeout(retry);
  retry = setTimeout(async () => {
    await get("/info").catch(() => {}); // tells a lost login from a lost daemon
    if (loggedIn.value !== false && !document.hidden) open();
  }, wait);
  wait = Math.min(2 * wait, 15000);
}

/** Starts the stream. Call it once, when logged in. */
export function start() {
  open();
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) close();
    else if (!source) open();
  });
}

/**
 * A function that runs job soon, once for many calls, and never twice at a
 * time.
 * @param {() => Promise<void>} job @param {number} [delay] ms
 */
export function coalesce(job, delay = 150) {
  let timer = 0, running = false, again = false;
  const run = async () => {
    timer = 0;
    if (running) {
      again = true;
      return;
    }
    running = true;
    try {
      await job();
    } finally {
      running = false;
      if (again) {
        again = false;
        soon();
      }
    }
  };
  const soon = () => {
    timer ||= setTimeout(run, delay);
  };
  return soon;
}
