// @ts-check
// One study: how far it is, its front, its trials, its specification.

import { html, useState } from "../../vendor/preact.js";
import { post } from "../api.js";
import { change, interval, value } from "../format.js";
import { Link, here, trialURL } from "../route.js";
import { key, useStudy } from "../study/data.js";
import { Front } from "../study/front.js";
import { Lanes, tabOf } from "../study/progress.js";
import { Search } from "../study/search.js";
import { Spec } from "../study/spec.js";
import { Ago, Failure, State, useTitle } from "../ui.js";

export function Study({ id }) {
  const it = useStudy(id);
  const data = it.data.value, problem = it.problem.value;
  useTitle(data?.view.spec.name ?? id);
  if (!data) return problem ? html`<${Failure} problem=${problem} retry=${it.refresh} />` : html`<p class="loading">Loading the study…</p>`;
  const { view } = data;
  const tab = tabOf();
  const Tab = ({ name, text }) => html`<${Link} href=${tabURL(name)} aria-current=${tab === name ? "page" : undefined}>${text}<//>`;
  return html`
    <div class="pagehead">
      <nav class="crumbs" aria-label="Where"><${Link} href="/">Studies<//></nav>
      <div class="titlerow"><h1>${view.spec.name}</h1><${State} state=${view.state} /><${Steer} view=${view} done=${it.refresh} /></div>
      <p class="sub">${view.spec.description && html`${view.spec.description} `}<span class="muted">${view.spec.model.name} · <${Ago} at=${view.created} /></span></p>
    </div>
    ${problem && html`<${Failure} problem=${problem} retry=${it.refresh} />`}
    ${view.state === "failed" && html`<div class="notice bad" role="alert"><p>${view.note || "The study failed."}</p></div>`}
    <div class="overview"><${Lanes} data=${data} /><${Bests} data=${data} /></div>
    <nav class="tabs" aria-label="Views of the study">
      <${Tab} name="front" text="Front and trials" /><${Tab} name="search" text="Search" /><${Tab} name="spec" text="Specification" />
    </nav>
    ${tab === "spec" ? html`<${Spec} data=${data} />` : tab === "search" ? html`<${Search} data=${data} />` : html`<${Front} data=${data} />`}`;
}

function tabURL(name) {
  const query = new URLSearchParams(here.value.query);
  if (name === "front") query.delete("tab");
  else query.set("tab", name);
  const text = query.toString();
  return here.value.path + (text ? `?${text}` : "");
}

/** Stops or resumes the study. */
function Steer({ view, done }) {
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const verb = view.state === "running" || view.state === "preparing" ? "stop" : view.state === "stopped" ? "resume" : null;
  const act = async () => {
    setBusy(true);
    await post(`/studies/${encodeURIComponent(view.id)}/${verb}`).then(() => setProblem(null), setProblem);
    setBusy(false);
    done();
  };
  return html`${verb && html`<button type="button" disabled=${busy} onClick=${act}>${verb === "stop" ? "Stop" : "Resume"}</button>`}
    ${problem && html`<span class="bad-text" role="alert">${problem.message}</span>`}`;
}

/** The best of each objective against the baseline. */
function Bests({ data }) {
  const { view, units } = data;
  return html`<dl class=${`tiles in${view.spec.objectives.length}`}>${view.lanes.flatMap((l) => view.spec.objectives.map((o) => {
    const unit = units[o.metric] ?? "", best = l.best[o.metric], base = l.baseline?.[o.metric];
    const delta = best && base ? change(best.value, base.value) : "";
    return html`<div key=${l.target + o.metric}>
      <dt>${o.direction === "max" ? "Highest" : "Lowest"} ${o.metric}${view.lanes.length > 1 ? html` <span class="muted">${l.target}</span>` : ""}</dt>
      <dd>${best
        ? html`<${Link} href=${trialURL(view.id, best.trial)} title=${interval(key(o.metric), unit, best)}>${value(key(o.metric), unit, best.value)}<//>
            <span class="delta">${delta}</span>`
        : html`<span class="muted">–</span>`}</dd>
      <dd class="under">${!base ? "no baseline yet" : best && best.value === base.value ? "the baseline is best" : `baseline ${value(key(o.metric), unit, base.value)}`}</dd>
    </div>`;
  }))}</dl>`;
}
