// @ts-check
// The study's specification in words.

import { html } from "../../vendor/preact.js";
import { duration, limit } from "../format.js";
import { Digest, Facts, Panel } from "../ui.js";
import { bounds, key } from "./data.js";

const list = (values) => values.map(String).join(", ");

function domain(k) {
  if (k.choice) return list(k.choice);
  const [low, high] = k.int ?? k.float;
  return `${low} to ${high}${k.int ? "" : ", any number"}${k.log ? ", logarithmic" : ""}`;
}

export function Spec({ data }) {
  const { spec } = data.view;
  const w = spec.workload;
  return html`<div class="panels">
    <${Panel} title="Objectives and constraints" id="spec-goals">
      <ul class="plain">
        ${spec.objectives.map((o) => html`<li key=${o.metric}><b>${o.metric}</b> as ${o.direction === "max" ? "high" : "low"} as possible <span class="muted">– ${help(data, o.metric)}</span></li>`)}
        ${(spec.constraints ?? []).map((c) => html`<li key=${`c${c.metric}`}><b>${c.metric}</b> ${bounds(c).map(([sign, x]) => `${sign} ${limit(key(c.metric), data.units[c.metric] ?? "", x)}`).join(" and ")} <span class="muted">– otherwise infeasible</span></li>`)}
      </ul>
    <//>
    <${Panel} title="Model, text and workload" id="spec-work">
      <${Facts} rows=${[
        ["Model", html`${spec.model.name} <${Digest} of=${spec.model.digest} />`],
        ["Quality text", html`${spec.quality.text.name} <${Digest} of=${spec.quality.text.digest} />, ${spec.quality.chunks} chunks of ${w.context} tokens`],
        ["Timed", `a prompt of ${w.prompt_tokens} tokens, then ${w.generate_tokens} generated, in a context of ${w.context}`],
        ["Repetitions", `${w.warm_up} to warm up, then ${w.min_repeats} to ${w.max_repeats}${w.max_time_ns ? `, at most ${duration(w.max_time_ns / 1e9)}` : ""}`],
        ["Targets", list(spec.targets.map((t) => t.name))],
        ["Budget", `${spec.budget.trials} trials on each target${spec.budget.wall_ns ? `, at most ${duration(spec.budget.wall_ns / 1e9)}` : ""}${spec.budget.min_gain ? `; fewer once the next 10 are expected to add less than ${Number((100 * spec.budget.min_gain).toPrecision(3))}\u2009% to the hypervolume` : ""}`],
        ["Search", `${spec.search.sampler || "auto"}, seed ${spec.search.seed}`],
        ["Early stopping", spec.search.stop_trials ? "on: a trial that cannot reach the front any more is stopped, wrongly at most 1 in 100" : "off"],
      ]} />
    <//>
    <${Panel} title="Knobs" id="spec-knobs" wide>
      <div class="scroll"><table class="data">
        <thead><tr><th scope="col">Knob</th><th scope="col">Values</th><th scope="col">What it is</th></tr></thead>
        <tbody>${spec.knobs.map((k) => html`<tr key=${k.name}>
          <th scope="row"><code>${k.name}</code></th>
          <td>${domain(k)}${Object.entries(k.when ?? {}).map(([n, v]) => html`<br /><span class="muted">only when ${n} is ${list(v)}</span>`)}</td>
          <td class="muted">${data.words.knobs.get(k.name)?.help ?? ""}</td>
        </tr>`)}</tbody>
      </table></div>
    <//>
    <details class="wide"><summary>As JSON</summary><pre>${JSON.stringify(spec, null, 2)}</pre></details>
  </div>`;
}

function help(data, metric) {
  const m = data.words.metrics;
  return (m.get(metric) ?? m.get(metric.replace(/\.(p50|p95|mean|max)$/, "")))?.help ?? "";
}
