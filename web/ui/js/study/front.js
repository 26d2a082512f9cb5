// @ts-check
// The front: the constraints, the scatter with its controls, and the trials.

import { html, useMemo, useSignal } from "../../vendor/preact.js";
import { limit, value } from "../format.js";
import { go, here, setQuery, trialURL } from "../route.js";
import { Empty, Segmented } from "../ui.js";
import { bounds, key, valueOf, violated } from "./data.js";
import { choices, plotOf, settingsOf, visible } from "./plot.js";
import { Scatter } from "./scatter.js";
import { Table } from "./table.js";
import { useTheme } from "./theme.js";

const enough = 3; // points that make a plot worth its room

export function Front({ data }) {
  const cursor = useSignal(null);
  const theme = useTheme();
  const { query } = here.value;
  const settings = settingsOf(data, query);
  const plot = useMemo(() => plotOf(data, settings, theme), [data, query.toString(), theme]);
  const shown = visible(data, settings.show);
  const open = (n) => go(trialURL(data.view.id, n));
  const zoom = (z) => setQuery({ zoom: z && z.map((v) => Number(v.toPrecision(6))).join(",") });
  if (data.trials.length === 0) return html`<${Waiting} data=${data} />`;
  return html`
    <${Constraints} data=${data} />
    <section class="panel front" aria-label="Front">
      <${Controls} data=${data} settings=${settings} plot=${plot} />
      ${data.trials.filter((t) => t.state === "complete").length < enough && plot.points.length < enough
        ? html`<p class="none">The scatter appears with the third trial that has been measured.</p>`
        : html`<${Scatter} plot=${plot} data=${data} cursor=${cursor} theme=${theme} onZoom=${zoom} onOpen=${open} /><${Legend} plot=${plot} data=${data} theme=${theme} />`}
    </section>
    <section class="panel" aria-labelledby="trials-head">
      <header class="tablehead"><h2 id="trials-head">Trials <span class="muted">${shown.length}${shown.length < data.trials.length ? ` of ${data.trials.length}` : ""}</span></h2></header>
      <${Table} data=${data} trials=${shown} cursor=${cursor} />
    </section>`;
}

function Waiting({ data }) {
  const { view } = data;
  const off = view.lanes.filter((l) => !l.online).map((l) => l.target);
  const title = view.state === "preparing" ? "The model is being prepared" : "No trials yet";
  return html`<${Empty} title=${title}>
    <p>${view.lanes.map((l) => l.phase).find(Boolean) ?? (off.length ? `Waiting for ${off.join(", ")}: offline.` : "The first trial is the unchanged model.")}</p>
    <p class="muted">Trials appear here as soon as they are proposed.</p>
  <//>`;
}

/** Each constraint with how many trials pass it, and the nearest miss if none do. */
function Constraints({ data }) {
  const list = (data.view.spec.constraints ?? []).flatMap((c) => bounds(c).map(([sign, b]) => ({ c, sign, b })));
  if (list.length === 0) return null;
  return html`<ul class="limits" aria-label="Constraints">${list.map(({ c, sign, b }) => {
    const name = key(c.metric), unit = data.units[name] ?? data.units[c.metric] ?? "";
    const values = data.trials.map((t) => [t, valueOf(t, name)]).filter(([, v]) => Number.isFinite(v));
    const pass = values.filter(([, v]) => !violated(c, v));
    const miss = pass.length === 0 && values.length ? values.reduce((a, x) => (Math.abs(x[1] - b) < Math.abs(a[1] - b) ? x : a)) : null;
    return html`<li key=${name + sign}><b>${name}</b> ${sign} ${limit(name, unit, b)} <span class=${pass.length ? "muted" : "bad-text"}>${pass.length} of ${values.length} pass${miss ? `; nearest: trial ${miss[0].number} with ${value(name, unit, miss[1])}` : ""}</span></li>`;
  })}</ul>`;
}

function Pick({ label, data, name, value, forColour, clears }) {
  const groups = choices(data, forColour);
  const known = groups.some(([, list]) => list.some(([n]) => n === value));
  return html`<label>${label}
    <select value=${value} onChange=${(e) => setQuery({ [name]: e.target.value, ...clears })}>
      ${!known && html`<option value=${value}>${value}</option>`}
      ${groups.map(([group, list]) => html`<optgroup key=${group} label=${group}>${list.map(([n, text]) => html`<option key=${n} value=${n} selected=${n === value}>${text}</option>`)}</optgroup>`)}
    </select></label>`;
}

function Controls({ data, settings, plot }) {
  const Log = ({ name, axis, label }) => html`<label class="check"><input type="checkbox" checked=${axis.log} onChange=${(e) => setQuery({ [name]: e.target.checked ? "1" : "0", zoom: null })} />${label}</label>`;
  return html`<div class="controls">
    <${Pick} label="X" name="x" data=${data} value=${settings.x} clears=${{ logx: null, zoom: null }} />
    <${Log} name="logx" axis=${plot.x} label="log" />
    <${Pick} label="Y" name="y" data=${data} value=${settings.y} clears=${{ logy: null, zoom: null }} />
    <${Log} name="logy" axis=${plot.y} label="log" />
    <${Pick} label="Colour" name="c" data=${data} value=${settings.colour} forColour />
    <${Segmented} label="Which trials" value=${settings.show} onChange=${(v) => setQuery({ show: v === "all" ? null : v })}
      options=${[["all", "All"], ["feasible", "Feasible"], ["front", "Front"]]} />
  </div>`;
}

function Legend({ plot, data, theme }) {
  const kinds = new Set(plot.points.map((p) => p.kind));
  const many = data.view.spec.targets.length > 1;
  return html`<div class="legend">
    <ul>
      ${kinds.has("front") && html`<li><i class="key front"></i>on the front</li>`}
      ${kinds.has("dominated") && html`<li><i class="key dominated"></i>dominated</li>`}
      ${kinds.has("baseline") && html`<li><i class="key baseline"></i>baseline</li>`}
      ${kinds.has("infeasible") && html`<li><i class="key cross"></i>infeasible</li>`}
      ${(kinds.has("open") || plot.points.some((p) => p.noisy)) && html`<li><i class="key hollow"></i>under way, or measured with a warning</li>`}
      ${plot.lines.some((l) => l.corners.length > 1) && html`<li><i class="key line"></i>best of these two axes</li>`}
      ${many && data.view.spec.targets.map((t, i) => html`<li key=${t.name}><i class="key shape s${i % 5}"></i>${t.name}</li>`)}
    </ul>
    ${plot.colour.kind === "ramp" && html`<p class="ramp">${plot.colour.name} <span>${plot.colour.low}</span><i class="rampbar ${theme}"></i><span>${plot.colour.high}</span></p>`}
    ${plot.colour.kind === "list" && html`<ul>${plot.colour.entries.map((e) => html`<li key=${e.text}><i class="key swatch" style=${{ background: e.colour }}></i>${e.text}</li>`)}</ul>`}
    <p class="hint">Drag a box or use Ctrl and the wheel to zoom, double-click for the whole view. Arrow keys move from point to point.
      ${plot.missing > 0 && html` ${plot.missing} ${plot.missing === 1 ? "trial has" : "trials have"} no value for these axes.`}</p>
  </div>`;
}
