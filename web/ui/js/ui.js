// @ts-check
// Small parts that several pages use.

import { html, signal, useEffect, useState } from "../vendor/preact.js";
import { ago } from "./format.js";

/** The time, in steps of some seconds, for ages of things. */
const now = signal(Date.now());
setInterval(() => {
  if (!document.hidden) now.value = Date.now();
}, 10000);

/** How long ago, with the exact time on hover. */
export function Ago({ at }) {
  const then = new Date(at);
  return html`<time dateTime=${at} title=${then.toLocaleString()}>${ago(then.getTime(), Math.max(now.value, then.getTime()))}</time>`;
}

const tones = {
  complete: "good", running: "live", preparing: "live", infeasible: "quiet", failed: "bad", stopped: "warn", cancelled: "quiet",
};

/** A study's or a trial's state. */
export function State({ state }) {
  return html`<span class="chip ${tones[state] ?? "live"}">${state}</span>`;
}

export function Chip({ tone = "", title = "", children }) {
  return html`<span class="chip ${tone}" title=${title}>${children}</span>`;
}

/** A command to copy. */
export function Command({ text }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const t = setTimeout(() => setCopied(false), 1500);
    return () => clearTimeout(t);
  }, [copied]);
  const copy = async () => {
    await navigator.clipboard.writeText(text).then(() => setCopied(true), () => {});
  };
  return html`<span class="command">
    <code>${text}</code>
    <button type="button" class="small" onClick=${copy} aria-label=${`Copy ${text}`}>${copied ? "Copied" : "Copy"}</button>
  </span>`;
}

/** What went wrong, and what to do about it. */
export function Failure({ problem, retry }) {
  return html`<div class="notice bad" role="alert">
    <p>${problem.message}</p>
    ${problem.next && html`<p class="next">Try <${Command} text=${problem.next} /></p>`}
    ${retry && html`<p><button type="button" onClick=${retry}>Try again</button></p>`}
  </div>`;
}

/** Nothing is here yet, and what would change that. */
export function Empty({ title, children }) {
  return html`<div class="empty"><h2>${title}</h2>${children}</div>`;
}

/** A titled part of a page. */
export function Panel({ title, note, children, wide = false, id }) {
  return html`<section class="panel ${wide ? "wide" : ""}" aria-labelledby=${id}>
    ${title && html`<header><h2 id=${id}>${title}</h2>${note && html`<p class="note">${note}</p>`}</header>`}
    ${children}
  </section>`;
}

/** Names and what they stand for; rows without a value are left out. */
export function Facts({ rows }) {
  return html`<dl class="facts">
    ${rows.filter(([, v]) => v !== undefined && v !== null && v !== "").map(([k, v]) => html`<div key=${k}><dt>${k}</dt><dd>${v}</dd></div>`)}
  </dl>`;
}

/** A switch among a few choices. */
export function Segmented({ label, options, value, onChange }) {
  return html`<div class="segmented" role="group" aria-label=${label}>
    ${options.map(([name, text, title]) => html`<button type="button" key=${name} title=${title ?? ""} aria-pressed=${value === name} onClick=${() => onChange(name)}>${text}</button>`)}
  </div>`;
}

/** A digest, short, whole on hover. */
export function Digest({ of }) {
  return of ? html`<code title=${of}>${of.slice(0, 12)}</code>` : "–";
}

/** Sets the page's title. */
export function useTitle(title) {
  useEffect(() => {
    document.title = title ? `${title} · Fettle` : "Fettle";
  }, [title]);
}

/**
 * What a request gives: loading, the answer, or a problem.
 * @param {() => Promise<any>} load @param {any[]} on
 */
export function useAnswer(load, on) {
  const [state, set] = useState({ value: null, problem: null, again: 0 });
  useEffect(() => {
    let gone = false;
    load().then(
      (value) => gone || set((s) => ({ ...s, value, problem: null })),
      (problem) => gone || set((s) => ({ ...s, problem })),
    );
    return () => {
      gone = true;
    };
  }, [...on, state.again]);
  return { ...state, reload: () => set((s) => ({ ...s, again: s.again + 1 })) };
}
