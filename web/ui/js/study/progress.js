// @ts-check
// How far a study is.

import { html } from "../../vendor/preact.js";
import { durations } from "../format.js";
import { Link, here } from "../route.js";

const order = ["complete", "infeasible", "stopped", "failed", "cancelled", "leased", "ready", "evaluating", "building", "proposed"];
const under = new Set(["leased", "ready", "evaluating", "building", "proposed"]);

/** A bar of trials by state; its whole length is the budget. */
export function Bar({ counts, budget }) {
  const total = Math.max(budget, Object.values(counts).reduce((a, b) => a + b, 0), 1);
  const shown = order.filter((s) => counts[s]);
  let x = 0;
  const text = shown.map((s) => `${counts[s]} ${s}`).join(", ") || "nothing yet";
  return html`<svg class="bar" viewBox="0 0 1000 10" preserveAspectRatio="none" role="img" aria-label=${`Of ${budget} trials: ${text}`}>
    <title>${text}</title>
    <rect class="rest" width="1000" height="10" />
    ${shown.map((s) => {
      const width = (counts[s] / total) * 1000;
      x += width;
      return html`<rect key=${s} class=${under.has(s) ? "under" : s} x=${x - width} width=${width} height="10" />`;
    })}
  </svg>`;
}

/** One row for each lane. */
export function Lanes({ data }) {
  const { view, trials } = data;
  return html`<ul class="lanes">${view.lanes.map((l) => {
    const counts = {};
    for (const t of trials) if (t.target === l.target) counts[t.state] = (counts[t.state] ?? 0) + 1;
    return html`<li key=${l.target}>
      <div class="lanehead">
        <b class="dot ${l.online ? "on" : "off"}">${l.target}</b>
        <span class=${active(view) ? "phase" : "muted"}>${phaseOf(l, view)}</span>
        ${l.eta_s && html`<span class="eta">about ${durations(l.eta_s.low, l.eta_s.high)} left</span>`}
      </div>
      <${Bar} counts=${counts} budget=${l.budget} />
      <p class="counts">
        <span><b>${l.finished}</b> of ${l.budget} trials</span>
        <span><b>${l.front.length}</b> on the front</span>
        ${["infeasible", "stopped", "failed"].filter((s) => counts[s]).map((s) => html`<span key=${s}><b>${counts[s]}</b> ${s}</span>`)}
      </p>
    </li>`;
  })}</ul>`;
}

const active = (view) => view.state === "running" || view.state === "preparing";

function phaseOf(lane, view) {
  if (!lane.online && active(view)) {
    return html`<span class="warn-text">offline: trials wait. <${Link} href="/targets">See targets<//></span>`;
  }
  return lane.phase || view.note || view.state;
}

/** Which of the study's views the address asks for. */
export const tabOf = () => here.value.query.get("tab") ?? "front";
