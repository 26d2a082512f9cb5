// @ts-check
// The boards: what they are, whether they are there, what they can measure.

import { html, useEffect, useMemo } from "../../vendor/preact.js";
import { get } from "../api.js";
import { bytes } from "../format.js";
import { coalesce, subscribe } from "../live.js";
import { Link, trialURL } from "../route.js";
import { Ago, Chip, Command, Empty, Facts, Failure, useAnswer, useTitle } from "../ui.js";

export function Targets() {
  useTitle("Targets");
  const { value: answer, problem, reload } = useAnswer(() => Promise.all([get("/targets"), get("/studies")]), []);
  const soon = useMemo(() => coalesce(async () => reload(), 400), []);
  useEffect(() => subscribe(soon), []);
  if (!answer) return problem ? html`<${Failure} problem=${problem} retry=${reload} />` : html`<p class="loading">Loading targets…</p>`;
  const [{ targets }, { studies }] = answer;
  const names = new Map(studies.map((s) => [s.id, s.spec.name]));
  return html`
    <div class="pagehead"><h1>Targets</h1><p class="sub">Where variants are measured: this computer, and boards that joined.</p></div>
    ${problem && html`<${Failure} problem=${problem} retry=${reload} />`}
    ${targets.length === 0
      ? html`<${Empty} title="No targets yet"><p>This computer becomes the target <b>local</b> when the daemon starts its agent:</p><p><${Command} text="fettle doctor" /></p><//>`
      : html`<ul class="cards">${targets.map((t) => html`<${Target} key=${t.name} t=${t} names=${names} />`)}</ul>`}`;
}

/** @param {string} ref "study/trial" */
function Busy({ of, names }) {
  const cut = of.lastIndexOf("/");
  const id = of.slice(0, cut), n = Number(of.slice(cut + 1));
  return html`<${Chip} tone="live">measures <${Link} href=${trialURL(id, n)}>${names.get(id) ?? id} ${n}<//><//>`;
}

function Target({ t, names }) {
  const f = t.facts;
  return html`<li class="card">
    <div class="cardhead"><h2 class="dot ${t.online ? "on" : "off"}">${t.name}</h2>
      ${t.busy ? html`<${Busy} of=${t.busy} names=${names} />` : html`<${Chip} tone=${t.online ? "good" : "quiet"}>${t.online ? "idle" : "offline"}<//>`}</div>
    <p class="sub">${f.board || f.cpu} · seen <${Ago} at=${t.last_seen} /></p>
    <${Facts} rows=${[
      ["Kind", t.kind],
      ["Processor", `${f.cpu}, ${f.cores} cores, ${f.architecture}`],
      ["Memory", bytes(f.memory_bytes) + (f.swap_bytes ? `, ${bytes(f.swap_bytes)} swap` : "")],
      ["System", [f.distribution || f.os, f.kernel].filter(Boolean).join(", kernel ")],
      ["Virtual", f.virtualization && html`<span class="warn-text">${f.virtualization}: neighbours may disturb measurements</span>`],
      ["Governor", f.governor],
      ["Energy", html`<${Sensor} s=${f.energy} />`],
      ["Temperature", html`<${Sensor} s=${f.temperature} />`],
      ["Agent", f.agent_version],
    ]} />
  </li>`;
}

/** What a quantity is read from, or why it cannot be. */
function Sensor({ s }) {
  if (s.source) return html`${s.source}${s.boundary && html` <span class="muted">covers the ${s.boundary}</span>`}`;
  return html`<span class="muted">not measured: ${s.missing || "no sensor was found"}</span>${s.try && html`<br /><span class="muted">Try: ${s.try}</span>`}`;
}
