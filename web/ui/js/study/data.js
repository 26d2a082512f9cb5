// @ts-check
// One study with its trials, kept up to date: after an event only the trials
// that changed are read.

import { signal, useEffect, useMemo } from "../../vendor/preact.js";
import { get, vocabulary } from "../api.js";
import { coalesce, subscribe } from "../live.js";

/**
 * @typedef {object} StudyData
 * @property {any} view      client.StudyView
 * @property {any[]} trials  client's study.Trial, by number
 * @property {Record<string, number[]>} fronts by target
 * @property {Record<string, string>} units
 * @property {any} words     the vocabulary
 */

/** @param {string} id @returns {{data: any, problem: any, refresh: () => void}} signals */
function open(id) {
  const data = signal(/** @type {StudyData | null} */ (null));
  const problem = signal(null);
  const trials = new Map();
  let rev = 0, whole = true;
  const load = coalesce(async () => {
    const from = whole ? 0 : rev;
    whole = false;
    try {
      const path = `/studies/${encodeURIComponent(id)}`;
      const [view, changed, words] = await Promise.all([get(path), get(`${path}/trials?since=${from}`), vocabulary()]);
      if (from === 0) trials.clear();
      for (const t of changed.trials) trials.set(t.number, t);
      rev = changed.rev;
      data.value = {
        view, words, fronts: changed.fronts, units: changed.units,
        trials: [...trials.values()].sort((a, b) => a.number - b.number),
      };
      problem.value = null;
    } catch (p) {
      problem.value = p;
    }
  });
  const stop = subscribe((e) => {
    if (e.kind === "resync") whole = true;
    const ours = !e.study || !data.value || e.study === data.value.view.id;
    if (ours) load();
  });
  load();
  return { data, problem, refresh: load, stop };
}

/** The study's data, open as long as the component is there. */
export function useStudy(id) {
  const it = useMemo(() => open(id), [id]);
  useEffect(() => it.stop, [it]);
  return it;
}

/** The value of a metric or knob of a trial as a number; NaN if it has none. */
export function valueOf(trial, name) {
  const v = trial.values?.[name]?.value ?? trial.assignment?.[name];
  if (typeof v === "number") return v;
  if (typeof v === "boolean") return v ? 1 : 0;
  const exact = { "size.weights": "weight_bytes", "size.file": "file_bytes" }[name]; // known before it is built
  const known = exact ? trial.prediction?.[exact] : 0;
  return known > 0 ? known : NaN;
}

/** The key of a metric among a trial's values: the default statistic has no suffix. */
export const key = (metric) => metric.replace(/\.p50$/, "");

/** A constraint in words: "quality.kld ≤ 1". @returns {[string, number][]} signs with bounds */
export function bounds(c) {
  const out = [];
  if (typeof c.max === "number") out.push(["≤", c.max]);
  if (typeof c.min === "number") out.push(["≥", c.min]);
  return out;
}

/** @param {any} c a constraint @param {number} x */
export const violated = (c, x) => (typeof c.max === "number" && !(x <= c.max)) || (typeof c.min === "number" && !(x >= c.min));

/** Whether less of a metric is better: 1, or more: −1; 0 if nobody says so. */
export function direction(data, name) {
  const o = data.view.spec.objectives.find((o) => key(o.metric) === name);
  const better = o?.direction ?? data.words.metrics.get(name.replace(/\.(p50|p95|mean|max)$/, ""))?.better ?? data.words.metrics.get(name)?.better;
  return better === "min" ? 1 : better === "max" ? -1 : 0;
}
