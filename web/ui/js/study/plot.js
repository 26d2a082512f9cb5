// @ts-check
// What the scatter shows, as data: a pure function of the study and of the
// settings in the address. Positions are on the axes' scales.

import { inUnit, limit, shownIn } from "../format.js";
import { front2, staircase } from "../pareto.js";
import { category, marks, position, ramp, scaleOf, wantsLog } from "../scales.js";
import { bounds, direction, key, valueOf } from "./data.js";

/** Axes and colours that are neither metric nor knob. */
export const TRIAL = "trial", FRONT = "front", TARGET = "target";

/** Settings from the address, with what the study suggests where it says nothing. */
export function settingsOf(data, query) {
  const { spec } = data.view;
  const o = spec.objectives.map((o) => key(o.metric));
  const zoom = (query.get("zoom") ?? "").split(",").map(Number);
  return {
    x: query.get("x") ?? o[1] ?? TRIAL,
    y: query.get("y") ?? o[0],
    colour: query.get("c") ?? o[2] ?? (spec.targets.length > 1 ? TARGET : FRONT),
    logx: query.get("logx"),
    logy: query.get("logy"),
    show: query.get("show") ?? "all",
    zoom: zoom.length === 4 && zoom.every(Number.isFinite) && zoom[0] < zoom[1] && zoom[2] < zoom[3] ? zoom : null,
  };
}

/** What an axis or a colour can be: groups of [name, label]. */
export function choices(data, forColour) {
  const { spec } = data.view;
  const named = [...spec.objectives.map((o) => key(o.metric)), ...(spec.constraints ?? []).map((c) => key(c.metric))];
  const metrics = [...new Set([...named, ...Object.keys(data.units).sort()])];
  const numeric = spec.knobs.filter((k) => k.int || k.float || (k.choice ?? []).every((v) => typeof v === "number"));
  const knobs = forColour ? spec.knobs : numeric;
  const groups = [["Metrics", metrics.map((m) => [m, m])], ["Knobs", knobs.map((k) => [k.name, k.name])]];
  const others = forColour ? [[FRONT, "front or not"], [TARGET, "target"]] : [[TRIAL, "trial number"]];
  return [...groups, ["Other", others]].filter(([, list]) => list.length);
}

/** Trials after the filter that the whole page shares. */
export function visible(data, show) {
  const onFront = new Set(Object.values(data.fronts).flat());
  if (show === "front") return data.trials.filter((t) => onFront.has(t.number));
  if (show === "feasible") return data.trials.filter((t) => t.state !== "infeasible" && t.state !== "stopped");
  return data.trials;
}

const at = (trial, name) => (name === TRIAL ? trial.number : valueOf(trial, name));

/** @param {any} data @param {ReturnType<typeof settingsOf>} settings @param {"light"|"dark"} theme */
export function plotOf(data, settings, theme) {
  const shown = visible(data, settings.show).map((trial) => ({ trial, vx: at(trial, settings.x), vy: at(trial, settings.y) }));
  const placed = shown.filter((p) => Number.isFinite(p.vx) && Number.isFinite(p.vy));
  const x = axis(data, settings.x, placed.map((p) => p.vx), settings.logx, settings.zoom?.slice(0, 2));
  const y = axis(data, settings.y, placed.map((p) => p.vy), settings.logy, settings.zoom?.slice(2));
  const colour = colours(data, settings.colour, placed.map((p) => p.trial), theme);
  const onFront = new Set(Object.values(data.fronts).flat());
  const points = placed.map(({ trial, vx, vy }) => ({
    n: trial.number, trial, vx, vy,
    x: position(x.scale, vx), y: position(y.scale, vy),
    kind: kindOf(trial, onFront),
    colour: colour.of(trial),
    lane: data.view.spec.targets.findIndex((t) => t.name === trial.target),
    noisy: (trial.warnings ?? []).length > 0,
  }));
  points.sort((a, b) => rank[a.kind] - rank[b.kind] || a.n - b.n);
  return {
    x, y, colour, points,
    lines: lines(data, points, x, y, theme),
    limits: [...limits(data, x, "x"), ...limits(data, y, "y")],
    missing: shown.length - placed.length,
    zoomed: settings.zoom !== null,
  };
}

/** Later is drawn on top. */
const rank = { infeasible: 0, open: 1, dominated: 2, front: 3, baseline: 4 };

function kindOf(t, onFront) {
  if (t.index === 0) return "baseline";
  if (onFront.has(t.number)) return "front";
  if (t.state === "complete" || t.measured > 0 && t.state !== "infeasible") return "dominated"; // also while it is confirmed
  return ["infeasible", "stopped", "failed", "cancelled"].includes(t.state) ? "infeasible" : "open";
}

function axis(data, name, values, log, zoom) {
  const isLog = log === null ? wantsLog(values) : log === "1";
  const wide = [...values];
  for (const b of boundsOn(data, name)) if (near(b, values, isLog)) wide.push(b);
  const scale = scaleOf(wide, isLog);
  if (zoom) {
    scale.low = position(scale, zoom[0]);
    scale.high = position(scale, zoom[1]);
  }
  const unit = data.units[name] ?? "";
  const top = isLog ? 10 ** ((scale.low + scale.high) / 2) : Math.max(Math.abs(scale.low), Math.abs(scale.high));
  const shown = shownIn(name, unit, top);
  const label = name === TRIAL ? "trial number" : name;
  return { name, label: shown.unit ? `${label} (${shown.unit})` : label, unit, shown, scale, log: isLog, marks: marks(scale, 6, shown.factor), direction: name === TRIAL ? 0 : direction(data, name) };
}

function boundsOn(data, name) {
  return (data.view.spec.constraints ?? []).filter((c) => key(c.metric) === name).flatMap((c) => bounds(c).map(([, b]) => b));
}

/** Whether a bound is close enough to the values to be worth the room. */
function near(bound, values, log) {
  const usable = log ? values.filter((v) => v > 0) : values;
  if (usable.length === 0 || (log && !(bound > 0))) return false;
  const low = Math.min(...usable), high = Math.max(...usable);
  return log ? bound >= low / 4 && bound <= high * 4 : bound >= low - (high - low) / 2 && bound <= high + (high - low) / 2;
}

function limits(data, axis, on) {
  const out = [];
  for (const c of data.view.spec.constraints ?? []) {
    if (key(c.metric) !== axis.name) continue;
    for (const [sign, b] of bounds(c)) {
      const p = position(axis.scale, b);
      if (sign === "≤" ? p < axis.scale.high : p > axis.scale.low) {
        out.push({ on, sign, at: p, text: `${sign} ${limit(axis.name, axis.unit, b)}` });
      }
    }
  }
  return out;
}

/** For each target the staircase of the best trade-offs of the shown axes. */
function lines(data, points, x, y, theme) {
  if (!x.direction || !y.direction) return [];
  const feasible = (p) => p.kind === "dominated" || p.kind === "front" || p.kind === "baseline" && p.trial.state === "complete";
  return data.view.spec.targets.map((t, lane) => {
    const front = front2(points.filter((p) => p.lane === lane && feasible(p)), x.direction, y.direction);
    return { target: t.name, colour: category(theme, lane), corners: staircase(front, x.direction) };
  });
}

/** The colour of a trial, and what a legend needs to explain it. */
function colours(data, name, trials, theme) {
  const list = (values, of) => ({
    name, kind: "list",
    entries: values.map((v, i) => ({ text: String(v), colour: category(theme, i) })),
    of: (t) => category(theme, Math.max(0, values.indexOf(of(t)))),
  });
  if (name === TARGET) return list(data.view.spec.targets.map((t) => t.name), (t) => t.target);
  if (name === FRONT) return { name, kind: "none", entries: [], of: () => category(theme, 0) };
  const knob = data.view.spec.knobs.find((k) => k.name === name);
  if (knob?.choice) {
    const values = [...knob.choice.map(String), "not used"];
    const l = list(values, (t) => String(t.assignment[name] ?? "not used"));
    return { ...l, entries: l.entries.filter((e) => e.text !== "not used" || trials.some((t) => t.assignment[name] === undefined)) };
  }
  const values = trials.map((t) => valueOf(t, name)).filter(Number.isFinite);
  if (values.length === 0) return { name, kind: "none", entries: [], of: () => category(theme, 6) };
  const low = Math.min(...values), high = Math.max(...values);
  const log = wantsLog(values) && low > 0;
  const place = (v) => (high === low ? 0.5 : log ? Math.log(v / low) / Math.log(high / low) : (v - low) / (high - low));
  const shown = shownIn(name, data.units[name] ?? "", high);
  return {
    name, kind: "ramp", log, low: inUnit(low, shown), high: inUnit(high, shown), entries: [],
    of: (t) => {
      const v = valueOf(t, name);
      return Number.isFinite(v) ? ramp(theme, place(v)) : category(theme, 6);
    },
  };
}
