// @ts-check
// Calls of the daemon's API.

import { signal } from "../vendor/preact.js";

/** Whether the daemon knows this browser; null before the first answer. */
export const loggedIn = signal(/** @type {boolean | null} */ (null));

/** An answer that is not a success, or none at all (status 0). */
export class Problem extends Error {
  /** @param {number} status @param {string} detail @param {string} [next] */
  constructor(status, detail, next) {
    super(detail);
    this.status = status;
    this.next = next ?? "";
  }
}

const patience = 20000; // ms without an answer

/** @param {string} path below /api/v1 @param {RequestInit} [options] @param {number} [wait] ms */
async function call(path, options, wait = patience) {
  let response;
  try {
    response = await fetch(`/api/v1${path}`, { ...options, signal: AbortSignal.timeout(wait) });
  } catch {
    throw new Problem(0, "cannot reach the daemon", "fettle serve");
  }
  if (response.status === 401) loggedIn.value = false;
  if (!response.ok) {
    const p = await response.json().catch(() => ({}));
    throw new Problem(response.status, p.detail ?? `cannot understand the daemon's answer (status ${response.status})`, p.try);
  }
  loggedIn.value = true;
  return response.status === 204 ? null : response.json();
}

/** @param {string} path @param {number} [wait] ms for answers that take long */
export const get = (path, wait) => call(path, undefined, wait);

/** @param {string} path @param {object} [body] */
export const post = (path, body = {}) =>
  call(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

/** What metrics and knobs there are: a promise of the registry, asked for once. */
let registry = null;
export function vocabulary() {
  registry ??= get("/vocabulary").then(
    (v) => ({ metrics: new Map(v.metrics.map((m) => [m.name, m])), knobs: new Map(v.knobs.map((k) => [k.name, k])) }),
    (problem) => {
      registry = null;
      throw problem;
    },
  );
  return registry;
}

/**
 * Takes a one-time code out of the address and exchanges it for a login.
 * @returns {Promise<Problem | null>} why it failed
 */
export async function logIn() {
  const code = new URLSearchParams(location.hash.slice(1)).get("login");
  if (!code) return null;
  history.replaceState(null, "", location.pathname + location.search);
  try {
    await post("/login", { code });
    return null;
  } catch (problem) {
    return problem;
  }
}
