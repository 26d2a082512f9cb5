// @ts-check
// All studies: state, progress, and the best of each objective.

import { html, useEffect, useMemo } from "../../vendor/preact.js";
import { get } from "../api.js";
import { change, durations, value } from "../format.js";
import { coalesce, subscribe } from "../live.js";
import { Link, studyURL, trialURL } from "../route.js";
import { key } from "../study/data.js";
import { Bar } from "../study/progress.js";
import { Ago, Command, Empty, Failure, State, useAnswer, useTitle } from "../ui.js";

export function Studies() {
  useTitle("Studies");
  const { value: answer, problem, reload } = useAnswer(() => get("/studies"), []);
  const soon = useMemo(() => coalesce(async () => reload(), 400), []);
  useEffect(() => subscribe(soon), []);
  if (!answer) return problem ? html`<${Failure} problem=${problem} retry=${reload} />` : html`<p class="loading">Loading studies…</p>`;
  const studies = [...answer.studies].sort((a, b) => b.created.localeCompare(a.created));
  return html`
    <div class="pagehead"><h1>Studies</h1></div>
    ${problem && html`<${Failure} problem=${problem} retry=${reload} />`}
    ${studies.length === 0
      ? html`<${Empty} title="No studies yet">
          <p>Watch a real study of a small model on this computer:</p><p><${Command} text="fettle demo" /></p>
          <p>Or run one of your own:</p><p><${Command} text="fettle study run study.yaml" /></p>
        <//>`
      : html`<ul class="cards">${studies.map((s) => html`<${Card} key=${s.id} study=${s} />`)}</ul>`}`;
}

function Card({ study }) {
  const { spec, lanes } = study;
  const sum = (field) => lanes.reduce((n, l) => n + l[field], 0);
  const phase = lanes.map((l) => l.phase).find(Boolean);
  const eta = lanes.filter((l) => l.eta_s).sort((a, b) => b.eta_s.high - a.eta_s.high)[0]?.eta_s;
  return html`<li class="card">
    <div class="cardhead">
      <h2><${Link} href=${studyURL(study.id)}>${spec.name}<//></h2>
      <${State} state=${study.state} />
    </div>
    <p class="sub">${spec.model.name} on ${lanes.map((l) => l.target).join(", ")} · <${Ago} at=${study.created} /></p>
    ${study.note && html`<p class="sub">${study.note}</p>`}
    <${Bar} counts=${study.counts} budget=${sum("budget")} />
    <p class="counts">
      <span><b>${sum("finished")}</b> of ${sum("budget")} trials</span>
      <span><b>${lanes.reduce((n, l) => n + l.front.length, 0)}</b> on the front</span>
      <span><b>${study.counts.infeasible ?? 0}</b> infeasible</span>
      ${phase && html`<span class="phase">${phase}${eta ? html` · about ${durations(eta.low, eta.high)} left` : ""}</span>`}
    </p>
    <table class="bests"><caption class="sr">Best of each objective</caption>
      <thead><tr><th scope="col">Objective</th><th scope="col">Best</th><th scope="col">Baseline</th></tr></thead>
      <tbody>${lanes.flatMap((l) => spec.objectives.map((o) => html`<${Best} key=${l.target + o.metric} study=${study} lane=${l} objective=${o} many=${lanes.length > 1} />`))}</tbody>
    </table>
  </li>`;
}

function Best({ study, lane, objective, many }) {
  const { metric } = objective;
  const unit = study.units[metric] ?? "";
  const best = lane.best[metric], base = lane.baseline?.[metric];
  const show = (x) => value(key(metric), unit, x);
  return html`<tr>
    <th scope="row">${metric}${many && html` <span class="muted">${lane.target}</span>`}</th>
    <td>${best ? html`<${Link} href=${trialURL(study.id, best.trial)}>${show(best.value)}<//>
      ${base && html` <span class="delta">${change(best.value, base.value)}</span>`}` : "–"}</td>
    <td class="muted">${base ? show(base.value) : "–"}</td>
  </tr>`;
}
