// @ts-check
// One trial: what was tried, what came out, how sure that is, and what to do
// with it.

import { html, useEffect, useMemo } from "../../vendor/preact.js";
import { get, vocabulary } from "../api.js";
import { change, duration, interval, limit, value } from "../format.js";
import { coalesce, subscribe } from "../live.js";
import { Link, studyURL, trialURL } from "../route.js";
import { bounds, key, valueOf, violated } from "../study/data.js";
import { Attempts, Conditions } from "../trial/conditions.js";
import { Memory } from "../trial/memory.js";
import { Quality, Samples } from "../trial/strip.js";
import { Chip, Command, Digest, Facts, Failure, Panel, State, useAnswer, useTitle } from "../ui.js";

export function Trial({ id, n }) {
  const path = `/studies/${encodeURIComponent(id)}`;
  const { value: answer, problem, reload } = useAnswer(() => Promise.all([get(`${path}/trials/${n}`), get(path), vocabulary()]), [id, n]);
  const soon = useMemo(() => coalesce(async () => reload(), 300), []);
  useEffect(() => subscribe((e) => {
    if (e.trial === undefined || e.trial === n) soon();
  }), []);
  useTitle(answer ? `Trial ${n} of ${answer[1].spec.name}` : `Trial ${n}`);
  if (!answer) return problem ? html`<${Failure} problem=${problem} retry=${reload} />` : html`<p class="loading">Loading the trial…</p>`;
  const [trial, study, words] = answer;
  const lane = study.lanes.find((l) => l.target === trial.target);
  const last = trial.attempts[trial.attempts.length - 1];
  const result = last?.result;
  return html`
    <${Head} trial=${trial} study=${study} lane=${lane} />
    ${problem && html`<${Failure} problem=${problem} retry=${reload} />`}
    <${Outcome} trial=${trial} />
    <${Numbers} trial=${trial} study=${study} lane=${lane} />
    <div class="columns">
      <div>
        <${Limits} trial=${trial} study=${study} />
        ${result?.measurements && html`<${Memory} measurements=${result.measurements} />`}
        <${Export} trial=${trial} study=${study} />
      </div>
      <div><${Recipe} trial=${trial} study=${study} words=${words} /></div>
    </div>
    ${result?.measurements?.length > 0 && html`<${Samples} measurements=${result.measurements} values=${trial.values ?? {}} />`}
    <${Metrics} trial=${trial} lane=${lane} result=${result} words=${words} />
    ${trial.chunks.length > 0 && html`<${Quality} chunks=${trial.chunks} />`}
    <div class="columns">
      <div>${result?.conditions && html`<${Conditions} c=${result.conditions} result=${result} />`}<${Attempts} attempts=${trial.attempts} /></div>
      <div><${Identity} trial=${trial} study=${study} /></div>
    </div>`;
}

function Head({ trial, study, lane }) {
  const total = study.lanes.reduce((n, l) => n + l.trials, 0);
  const Step = ({ to, text }) => to >= 0 && to < total ? html`<${Link} class="step" href=${trialURL(study.id, to)}>${text}<//>` : html`<span class="step off">${text}</span>`;
  return html`<div class="pagehead">
    <nav class="crumbs" aria-label="Where"><${Link} href="/">Studies<//> / <${Link} href=${studyURL(study.id)}>${study.spec.name}<//></nav>
    <div class="titlerow"><h1>Trial ${trial.number}</h1>
      <${State} state=${trial.state} />
      ${trial.on_front && html`<${Chip} tone="front" title="No other feasible trial on this target is at least as good in every objective and better in one">on the front<//>`}
      ${trial.index === 0 && html`<${Chip}>baseline<//>`}
      ${trial.origin === "replay" && html`<${Chip} tone="quiet" title="It was on the front of another target, and is tried here for that">replay<//>`}
      ${(trial.warnings ?? []).map((w) => html`<${Chip} key=${w} tone="warn">${w}<//>`)}
      <span class="steps"><${Step} to=${trial.number - 1} text="← Previous" /><${Step} to=${trial.number + 1} text="Next →" /></span>
    </div>
    <p class="lead">${trial.recipe.text}</p>
    <p class="sub">on ${trial.target}${lane?.online === false ? " (offline)" : ""}</p>
  </div>`;
}

const under = { proposed: "Proposed: nothing has been built yet.", building: "Its pieces are being built.", evaluating: "Its quality is being measured.", ready: "Waits for the target.", leased: "Is being measured on the target." };

/** Why there is no result, or what happens now. */
function Outcome({ trial }) {
  if (under[trial.state]) return html`<div class="notice live"><p>${under[trial.state]}</p></div>`;
  if (trial.state === "complete") return null;
  return html`<div class="notice ${trial.state === "failed" ? "bad" : "warn"}">
    <p><b>${trial.state}${trial.reason ? `: ${trial.reason.replace(/_/g, " ")}` : ""}</b>${trial.detail ? ` – ${trial.detail}` : ""}</p>
    ${trial.stderr?.length > 0 && html`<pre class="stderr" aria-label="First lines the runner printed">${trial.stderr.join("\n")}</pre>`}
  </div>`;
}

/** The objectives, large, against the baseline. */
function Numbers({ trial, study, lane }) {
  return html`<dl class=${`tiles in${study.spec.objectives.length}`}>${study.spec.objectives.map((o) => {
    const name = key(o.metric), v = valueOf(trial, name), s = trial.values?.[name], base = lane?.baseline?.[o.metric];
    const unit = trial.units[o.metric] ?? "";
    return html`<div key=${o.metric}><dt>${o.metric}</dt>
      <dd>${Number.isFinite(v) ? value(name, unit, v) : html`<span class="muted">–</span>`} <span class="delta">${base && trial.index > 0 ? change(v, base.value) : ""}</span></dd>
      <dd class="under">${s ? interval(name, unit, s) || "exact" : "not measured"}${base && trial.index > 0 ? ` · baseline ${value(name, unit, base.value)}` : ""}</dd>
    </div>`;
  })}</dl>`;
}

function Limits({ trial, study }) {
  const list = (study.spec.constraints ?? []).flatMap((c) => bounds(c).map(([sign, b]) => ({ c, sign, b, name: key(c.metric) })));
  if (list.length === 0) return null;
  return html`<${Panel} title="Constraints" id="limits"><div class="scroll"><table class="data">
    <thead><tr><th scope="col">Constraint</th><th scope="col" class="num">Value</th><th scope="col" class="num">Margin</th><th scope="col"></th></tr></thead>
    <tbody>${list.map(({ c, sign, b, name }) => {
      const unit = trial.units[c.metric] ?? trial.units[name] ?? "", v = valueOf(trial, name);
      const known = Number.isFinite(v), broken = known && violated(c, v);
      const margin = sign === "≤" ? b - v : v - b;
      return html`<tr key=${name + sign}><th scope="row">${name} ${sign} ${limit(name, unit, b)}</th>
        <td class="num">${known ? value(name, unit, v) : "–"}</td>
        <td class="num">${known ? `${value(name, unit, margin)}${b ? ` (${Math.round((margin / Math.abs(b)) * 100)}\u2009%)` : ""}` : "–"}</td>
        <td>${known ? html`<${Chip} tone=${broken ? "bad" : "good"}>${broken ? "broken" : "holds"}<//>` : html`<${Chip} tone="quiet">unknown<//>`}</td></tr>`;
    })}</tbody></table></div><//>`;
}

/** The assignment, knob by knob, in words. */
function Recipe({ trial, study, words }) {
  return html`<${Panel} title="Recipe" note="What this trial changes." id="recipe"><div class="scroll"><table class="data">
    <tbody>${study.spec.knobs.map((k) => {
      const v = trial.assignment[k.name];
      return html`<tr key=${k.name}><th scope="row"><code>${k.name}</code></th>
        <td class="nowrap">${v === undefined ? html`<span class="muted">not used</span>` : html`<b>${String(v)}</b>`}</td>
        <td class="muted">${words.knobs.get(k.name)?.help ?? ""}</td></tr>`;
    })}</tbody></table></div><//>`;
}

/** Every metric with its interval. */
function Metrics({ trial, lane, result, words }) {
  const measured = new Map((result?.measurements ?? []).map((m) => [m.metric, m]));
  const order = [...words.metrics.keys()];
  const rank = (n) => {
    const i = order.findIndex((m) => n === m || n.startsWith(`${m}.`));
    return i < 0 ? order.length : i;
  };
  const names = Object.keys(trial.values ?? {}).sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));
  if (names.length === 0) return null;
  const energy = names.some((n) => n.startsWith("energy."));
  const missing = Object.entries(result?.conditions?.missing ?? {});
  const info = (n) => words.metrics.get(n) ?? words.metrics.get(n.replace(/\.(p50|p95|mean|max)$/, ""));
  return html`<${Panel} title="Measurements" note="Medians, unless the name says otherwise, with 95 % intervals." id="metrics"><div class="scroll"><table class="data">
    <thead><tr><th scope="col">Metric</th><th scope="col" class="num">Value</th><th scope="col">95 % interval</th><th scope="col" class="num">From</th><th scope="col" class="num">To baseline</th><th scope="col"></th></tr></thead>
    <tbody>${names.map((n) => {
      const s = trial.values[n], unit = trial.units[n] ?? "", m = measured.get(n), base = lane?.baseline?.[n];
      return html`<tr key=${n}><th scope="row" title=${info(n)?.help ?? ""}>${n}</th>
        <td class="num"><b>${value(n, unit, s.value)}</b></td>
        <td class="muted nowrap">${interval(n, unit, s) || (s.n > 1 ? "no spread" : info(n)?.source === "exact" ? "exact" : "one sample")}</td>
        <td class="num muted">${from(s, info(n))}</td>
        <td class="num">${base && trial.index > 0 ? change(s.value, base.value) : ""}</td>
        <td class="nowrap">${m?.boundary && html`<span class="muted">covers the ${m.boundary}</span>`} ${(m?.warnings ?? []).map((w) => html`<${Chip} key=${w} tone="warn">${w}<//>`)}</td></tr>`;
    })}
    ${!energy && result?.measurements?.length > 0 && html`<tr><th scope="row">energy.decode</th><td class="num">–</td><td colspan="4" class="muted">not measured: ${missing.find(([k]) => /energy|power|rapl/.test(k))?.[1] ?? "the target has no sensor for it"}</td></tr>`}
    </tbody></table></div><//>`;
}

function from(s, info) {
  if (info?.source === "exact") return "";
  if (info?.source === "host") return `${s.n} positions`;
  return s.n === 1 ? "1 repetition" : `${s.n} repetitions`;
}

function Export({ trial, study }) {
  const built = (trial.pieces ?? []).length > 0;
  const base = `/api/v1${trialURL(study.id, trial.number)}`;
  return html`<${Panel} title="Use it" id="export">
    ${built ? html`
      <p>One file that stock programs open, ${value("size.file", "B", trial.prediction.file_bytes)}${trial.state === "complete" ? `, as it was measured on ${trial.target}` : ""}.
        ${["constraint", "predicted"].includes(trial.reason) && html` <b class="bad-text">It breaks a constraint of the study.</b>`}</p>
      <p class="actions"><a class="button" href=${`${base}/model.gguf`} download>Download the model</a> <a class="button quiet" href=${`${base}/manifest.json`} download>Manifest</a></p>
      <p class="muted">Or on the command line:</p><p><${Command} text=${`fettle export ${study.spec.name} ${trial.number} -o out/`} /></p>
      ${trial.command && html`<p class="muted">Run it with:</p><p><${Command} text=${trial.command} /></p>`}`
      : html`<p class="muted">Nothing was built for this trial, so there is nothing to export.</p>`}
  <//>`;
}

function Identity({ trial, study }) {
  const r = trial.recipe.run, spent = trial.spent;
  const time = (ns) => duration(ns / 1e9);
  return html`<${Panel} title="What exactly" id="identity"><${Facts} rows=${[
    ["Variant", html`<${Digest} of=${trial.variant} />`],
    ["Model", html`${study.spec.model.name} <${Digest} of=${study.spec.model.digest} />`],
    ["Runtime", trial.quality_key.runtime && html`<${Digest} of=${trial.quality_key.runtime} /> ${trial.quality_key.backend}`],
    ["Run with", `${r.threads} ${r.threads === 1 ? "thread" : "threads"}, flash attention ${r.flash ? "on" : "off"}, KV cache ${r.kv}, context ${r.context}`],
    ["Weights", value("size.weights", "B", trial.prediction.weight_bytes)],
    ["KV cache", value("size.file", "B", trial.prediction.kv_bytes)],
    ["Peak memory", `at least ${value("memory.peak", "B", trial.prediction.peak_memory_bytes)} (predicted)`],
    ["Work per token", trial.prediction.ops_per_token > 0 && `${(trial.prediction.ops_per_token / 1e6).toFixed(1)} million operations`],
    ["Pieces", (trial.pieces ?? []).length || ""],
    ["Time spent", `build ${time(spent.build_ns)}, evaluate ${time(spent.evaluate_ns)}, wait ${time(spent.wait_ns)}, measure ${time(spent.measure_ns)}`],
    ["Duplicate draws", trial.duplicates || ""],
  ]} /><//>`;
}
