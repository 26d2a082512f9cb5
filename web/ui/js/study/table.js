// @ts-check
// The trials behind the scatter, sortable.

import { html, useComputed, useState } from "../../vendor/preact.js";
import { interval, shownIn, inUnit } from "../format.js";
import { Link, here, setQuery, trialURL } from "../route.js";
import { State } from "../ui.js";
import { key, valueOf, violated } from "./data.js";

const page = 100;

/** Metric columns: objectives, then what else is bounded. */
function columns(data) {
  const { spec } = data.view;
  const metrics = [...new Set([...spec.objectives.map((o) => key(o.metric)), ...(spec.constraints ?? []).map((c) => key(c.metric))])];
  return metrics.map((name) => {
    const unit = data.units[name] ?? "";
    const values = data.trials.map((t) => valueOf(t, name)).filter((v) => Number.isFinite(v) && v !== 0).map(Math.abs).sort((a, b) => a - b);
    const shown = shownIn(name, unit, values[Math.floor(values.length / 2)] ?? 0);
    return { name, unit, shown, constraint: (spec.constraints ?? []).filter((c) => key(c.metric) === name) };
  });
}

const before = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

/** Trials in the order the address asks for: by number, newest first, unless it says otherwise. */
function sorted(trials, by, front) {
  const down = by.startsWith("-"), name = down ? by.slice(1) : by;
  const of = {
    trial: (t) => t.number,
    target: (t) => t.target,
    state: (t) => t.state,
    recipe: (t) => t.recipe.text,
    front: (t) => (front.has(t.number) ? 0 : 1),
  }[name] ?? ((t) => valueOf(t, name));
  const absent = (v) => typeof v === "number" && Number.isNaN(v);
  return [...trials].sort((a, b) => {
    const x = of(a), y = of(b);
    if (absent(x) || absent(y)) return absent(x) - absent(y) || a.number - b.number; // always last
    return (down ? -before(x, y) : before(x, y)) || a.number - b.number;
  });
}

export function Table({ data, trials, cursor }) {
  const [more, setMore] = useState(page);
  const by = here.value.query.get("sort") ?? "-trial";
  const metrics = columns(data);
  const many = data.view.spec.targets.length > 1;
  const front = new Set(Object.values(data.fronts).flat());
  const rows = sorted(trials, by, front);
  const Head = ({ name, text, unit, numeric }) => {
    const on = by === name ? "ascending" : by === `-${name}` ? "descending" : undefined;
    const next = by === name ? `-${name}` : name;
    return html`<th scope="col" aria-sort=${on} class=${numeric ? "num" : ""}>
      <button type="button" class="sort" onClick=${() => setQuery({ sort: next === "-trial" ? null : next })}>${text}<span class="arrow" aria-hidden="true">${on === "ascending" ? "▲" : on === "descending" ? "▼" : ""}</span>${unit && html` <span class="unit">${unit}</span>`}</button>
    </th>`;
  };
  return html`<div class="scroll"><table class="data trials" id="trials">
    <caption class="sr">Trials of the study</caption>
    <thead><tr>
      <${Head} name="trial" text="Trial" numeric />
      <${Head} name="front" text="Front" />
      ${many && html`<${Head} name="target" text="Target" />`}
      <${Head} name="state" text="State" />
      <${Head} name="recipe" text="Recipe" />
      ${metrics.map((m) => html`<${Head} key=${m.name} name=${m.name} text=${m.name} unit=${m.shown.unit} numeric />`)}
    </tr></thead>
    <tbody>${rows.slice(0, more).map((t) => html`<${Row} key=${t.number} t=${t} id=${data.view.id} metrics=${metrics} many=${many} onFront=${front.has(t.number)} cursor=${cursor} />`)}</tbody>
  </table></div>
  ${rows.length > more && html`<p class="more"><button type="button" onClick=${() => setMore(more + 10 * page)}>Show ${Math.min(10 * page, rows.length - more)} more of ${rows.length}</button></p>`}
  ${rows.length === 0 && html`<p class="none">No trial passes the filter.</p>`}`;
}

function Row({ t, id, metrics, many, onFront, cursor }) {
  const hit = useComputed(() => cursor.value === t.number);
  return html`<tr class=${hit.value ? "hit" : ""} data-trial=${t.number} onMouseEnter=${() => (cursor.value = t.number)} onMouseLeave=${() => (cursor.value = null)}>
    <td class="num"><${Link} href=${trialURL(id, t.number)} aria-label=${`Trial ${t.number}`}>${t.number}<//></td>
    <td>${onFront ? html`<span class="onfront" title="On the front"><span class="sr">on the front</span></span>` : ""}</td>
    ${many && html`<td class="nowrap">${t.target}</td>`}
    <td class="nowrap"><${State} state=${t.state} /></td>
    <td class="recipe" title=${t.detail || t.recipe.text}>${t.index === 0 && html`<span class="muted">baseline: </span>`}${t.recipe.text}</td>
    ${metrics.map((m) => {
      const v = valueOf(t, m.name), s = t.values?.[m.name];
      const bad = Number.isFinite(v) && m.constraint.some((c) => violated(c, v));
      return html`<td key=${m.name} class="num ${bad ? "bad-text" : ""}" title=${s ? interval(m.name, m.unit, s) : ""}>${Number.isFinite(v) ? inUnit(v, { ...m.shown, unit: "" }) : "–"}</td>`;
    })}
  </tr>`;
}
