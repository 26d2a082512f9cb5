// @ts-check
// What the search of a lane has found out: the hypervolume over its trials,
// which knobs matter, what the next trials are expected to add.

import { html, signal, useEffect, useLayoutEffect, useMemo, useRef, useState } from "../../vendor/preact.js";
import { get } from "../api.js";
import { interval, number, value } from "../format.js";
import { coalesce } from "../live.js";
import { Link, here, setQuery, trialURL } from "../route.js";
import { Facts, Failure, Panel, Segmented } from "../ui.js";
import { key } from "./data.js";

/** @typedef {{trial: number, value: number}} Volume */

/** The daemon answers once nobody measures on its computer. */
const patience = 300_000;

const share = (x) => (x > 0 && x < 0.001 ? "below 0.1\u2009%" : `${number(100 * x, 2)}\u2009%`);

/** The explanation of a lane, asked for again when one of its trials has ended. */
function useExplanation(id, target, finished) {
  const it = useMemo(() => {
    const answer = signal(null), problem = signal(null);
    const load = coalesce(async () => {
      try {
        answer.value = await get(`/studies/${encodeURIComponent(id)}/explain?target=${encodeURIComponent(target)}`, patience);
        problem.value = null;
      } catch (p) {
        problem.value = p;
      }
    });
    return { answer, problem, load };
  }, [id, target]);
  useEffect(() => it.load(), [it, finished]);
  return it;
}

export function Search({ data }) {
  const { view } = data;
  const names = view.lanes.map((l) => l.target);
  const wanted = here.value.query.get("lane");
  const target = names.includes(wanted) ? wanted : names[0];
  const lane = view.lanes.find((l) => l.target === target);
  const { answer, problem, load } = useExplanation(view.id, target, lane.finished);
  const x = answer.value;
  return html`
    ${names.length > 1 && html`<div class="lanepick"><${Segmented} label="Target" value=${target} onChange=${(t) => setQuery({ lane: t })} options=${names.map((n) => [n, n])} /></div>`}
    ${problem.value && html`<${Failure} problem=${problem.value} retry=${load} />`}
    ${x ? html`<${Found} x=${x} data=${data} />` : !problem.value && html`<p class="loading">Working it out; this waits while the daemon’s computer measures…</p>`}`;
}

function Found({ x, data }) {
  return html`<div class="panels search">
    <${Panel} title="What is left" id="search-left">
      <p class="lead" id="remaining">${remaining(x)}</p>
      ${x.stopped && html`<p>The lane ended early: ${x.stopped}.</p>`}
      ${x.redundant.map((r) => html`<p key=${r.a + r.b}>${r.a} and ${r.b} say nearly the same (correlation ${number(r.correlation)}): one of them would do.</p>`)}
      <${Facts} rows=${[
        ["Sampler", html`${x.sampler} <span class="muted">– ${x.why}</span>`],
        ["Told", `${x.told} ${x.told === 1 ? "trial" : "trials"}`],
        ["Method", x.remaining && html`<span class="muted">${x.remaining.method}</span>`],
      ]} />
    <//>
    <${Panel} title="Hypervolume" note="How much of the plane of objectives the trials so far dominate, as a share of what all of them do." id="search-volume">
      ${x.no_reference ? html`<p class="none">There is none yet: ${x.no_reference}.</p>` : html`<${Volumes} list=${x.hypervolume} /><${Reference} x=${x} data=${data} />`}
    <//>
    <${Panel} title="Importance of knobs" note="Share of the variance of each objective over all assignments, as the model sees it: alone (dark), and with interactions (light)." id="search-importance" wide>
      ${x.no_model ? html`<p class="none">Nothing is predicted yet: ${x.no_model}.</p>`
        : x.no_importance ? html`<p class="none">${sentence(x.no_importance)}</p>`
        : html`<div class="bars">${x.importance.map((im) => html`<${Bars} key=${im.metric} im=${im} />`)}</div><p class="hint">${sentence(x.importance_by)}</p>`}
    <//>
    ${x.front.length > 0 && html`<${Panel} title="Predicted front" note="Trials that are on the front by the model’s values, without what it takes for noise; with 95 % intervals of the true values." id="search-front" wide>
      <${Estimates} x=${x} data=${data} list=${x.front} />
      ${x.open.length > 0 && html`<h3>Under way</h3><${Estimates} x=${x} data=${data} list=${x.open} />`}
    <//>`}
  </div>`;
}

const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}.`;

function remaining(x) {
  if (x.remaining) return `The next ${x.remaining.trials} trials are expected to add ${share(x.remaining.share)} to the hypervolume.`;
  return `What is left to gain is not known: ${x.no_remaining || x.no_model}.`;
}

function Reference({ x, data }) {
  const each = data.view.spec.objectives.map(({ metric }) => {
    const r = x.reference[metric];
    return `${metric} ${value(key(metric), x.units[metric] ?? "", r.value)} (${r.limit ? "the study’s limit" : "worst measured, with a margin"})`;
  });
  return html`<p class="hint">Measured from ${each.join(", ")}.</p>`;
}

const H = 200, left = 46, right = 12, top = 10, bottom = 30;

/** @param {{list: Volume[]}} props */
function Volumes({ list }) {
  const svg = useRef(null);
  const [W, setW] = useState(560);
  useLayoutEffect(() => { // drawn in pixels, so that text keeps its size
    const watch = new ResizeObserver(([entry]) => setW(Math.max(240, Math.round(entry.contentRect.width))));
    watch.observe(svg.current);
    return () => watch.disconnect();
  }, []);
  const last = list[list.length - 1].value || 1;
  const x = (i) => left + ((W - left - right) * i) / Math.max(1, list.length - 1);
  const y = (v) => top + (1 - v / last) * (H - top - bottom);
  const path = list.map((v, i) => (i === 0 ? `M${x(0)},${y(v.value)}` : `H${x(i)}V${y(v.value)}`)).join("");
  const step = Math.max(1, Math.ceil(list.length / 8 / 5) * 5);
  return html`<svg class="strip volumes" ref=${svg} height=${H} viewBox=${`0 0 ${W} ${H}`} role="img" data-points=${list.length}
    aria-label=${`Hypervolume after each of ${list.length} trials; half of it was there after ${list.findIndex((v) => v.value >= last / 2) + 1}`}>
    ${[0, 0.25, 0.5, 0.75, 1].map((s) => html`<g key=${s}><line class="gridline" x1=${left} x2=${W - right} y1=${y(s * last)} y2=${y(s * last)} /><text class="tick" x=${left - 8} y=${y(s * last) + 4} text-anchor="end">${100 * s}${s === 1 ? "\u2009%" : ""}</text></g>`)}
    <path class="grow" d=${path} />
    ${list.map((v, i) => (i === 0 || v.value > list[i - 1].value) && html`<circle key=${i} class="dotmark" cx=${x(i)} cy=${y(v.value)} r="2.5"><title>trial ${v.trial}: ${share(v.value / last)}</title></circle>`)}
    ${list.map((v, i) => i % step === 0 && html`<text key=${i} class="tick" x=${x(i)} y=${H - 10} text-anchor="middle">${i === 0 ? `trial ${v.trial}` : v.trial}</text>`)}
  </svg>`;
}

function Bars({ im }) {
  const shown = im.knobs.filter((k) => k.total >= 0.005);
  return html`<section aria-label=${`Importance for ${im.metric}`}>
    <h3>${im.metric} ${im.scale && im.scale !== "identity" && html`<span class="muted">on a scale of ${im.scale === "log" ? "logarithms" : "ranks"}</span>`}</h3>
    ${im.absent ? html`<p class="muted">${sentence(im.absent)}</p>` : html`
    <ul class="knobbars">${shown.map((k) => html`<li key=${k.knob}>
      <code>${k.knob}</code>
      <svg class="bar" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true"><rect class="rest" width="1000" height="10" /><rect class="total" width=${1000 * k.total} height="10" /><rect class="main" width=${1000 * k.main} height="10" /></svg>
      <span class="num" title=${`${share(k.main)} alone, ${share(k.total)} with interactions`}>${share(k.main)}<span class="sr"> alone, ${share(k.total)} with interactions</span></span>
    </li>`)}</ul>
    <p class="muted">${share(im.interactions)} by knobs together.${shown.length < im.knobs.length ? ` ${im.knobs.length - shown.length} ${im.knobs.length - shown.length === 1 ? "knob counts" : "knobs count"} for less than half a percent.` : ""}</p>`}
  </section>`;
}

function Estimates({ x, data, list }) {
  const metrics = data.view.spec.objectives.map((o) => o.metric);
  const unit = (m) => x.units[m] ?? "";
  return html`<div class="scroll"><table class="data">
    <thead><tr><th scope="col">Trial</th>${metrics.map((m) => html`<th key=${m} scope="col">${m}</th>`)}<th scope="col">Feasible</th></tr></thead>
    <tbody>${list.map((e) => html`<tr key=${e.trial}>
      <th scope="row"><${Link} href=${trialURL(x.study, e.trial)}>${e.trial}<//></th>
      ${metrics.map((m) => html`<td key=${m} class="nowrap"><b>${value(key(m), unit(m), e.values[m])}</b> <span class="muted">${interval(key(m), unit(m), { value: e.values[m], low: e.intervals[m][0], high: e.intervals[m][1] })}</span></td>`)}
      <td>${share(e.feasible)}</td>
    </tr>`)}</tbody></table></div>`;
}
