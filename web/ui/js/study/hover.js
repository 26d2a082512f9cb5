// @ts-check
// What a point says when the pointer or the key cursor rests on it.

import { html, useLayoutEffect, useRef, useState } from "../../vendor/preact.js";
import { interval, value } from "../format.js";
import { key, valueOf } from "./data.js";
import { TARGET, TRIAL } from "./plot.js";

const words = { baseline: "baseline", front: "on the front", dominated: "dominated", infeasible: "infeasible", open: "under way" };

/** Names worth showing: the axes, the colour, the objectives and what is bounded. */
function names(plot, data) {
  const { spec } = data.view;
  const all = [plot.x.name, plot.y.name, plot.colour.name, ...spec.objectives.map((o) => key(o.metric)), ...(spec.constraints ?? []).map((c) => key(c.metric))];
  return [...new Set(all)].filter((n) => n !== TRIAL && n !== TARGET && n !== "front");
}

export function HoverCard({ point, plot, data, x, y, width }) {
  const { trial } = point;
  const card = useRef(null);
  const [at, setAt] = useState({ left: x + 16, top: y + 12 });
  useLayoutEffect(() => {
    const r = card.current.getBoundingClientRect();
    const left = x + 18 + r.width > width ? Math.max(4, x - r.width - 18) : x + 18;
    setAt({ left, top: Math.max(4, y - r.height / 2) });
  }, [point.n, x, y, width]);
  return html`<div class="hovercard" ref=${card} style=${{ left: `${at.left}px`, top: `${at.top}px` }} aria-hidden="true">
    <p class="head"><b>Trial ${trial.number}</b> <span class="muted">${trial.target}</span> <span class="kind ${point.kind}">${trial.state === "infeasible" ? "infeasible" : words[point.kind]}</span></p>
    <p class="recipe">${trial.recipe.text}</p>
    ${trial.detail && html`<p class="bad-text">${trial.detail}</p>`}
    <table><tbody>${names(plot, data).map((n) => {
      const v = valueOf(trial, n);
      if (!Number.isFinite(v)) return html`<tr key=${n}><th>${n}</th><td>${trial.assignment?.[n] === undefined ? "–" : String(trial.assignment[n])}</td><td></td></tr>`;
      const s = trial.values?.[n], unit = data.units[n] ?? "";
      return html`<tr key=${n}><th>${n}</th><td>${value(n, unit, v)}</td><td class="muted">${s ? interval(n, unit, s) : ""}</td></tr>`;
    })}</tbody></table>
    ${point.noisy && html`<p class="warn-text">${trial.warnings.join(", ")}</p>`}
  </div>`;
}
