// @ts-check
// Axes and colours. An axis maps values to a plane position; on a logarithmic
// axis that is the logarithm, and what has none (0 and less) is drawn on the
// axis's low edge; so is a value more than three decades below all others,
// which would squeeze them into a corner. Pure.

/**
 * @typedef {object} Scale
 * @property {boolean} log
 * @property {number} low  the position of the low end
 * @property {number} high the position of the high end
 * @property {number} edge the position of values without a logarithm
 */

/** Whether values spread so far that a logarithmic axis shows them better. */
export function wantsLog(values) {
  const positive = values.filter((v) => v > 0);
  if (positive.length < 2 || values.some((v) => v < 0)) return false;
  return Math.max(...positive) / Math.min(...positive) > 100;
}

/**
 * A scale that holds all values with some room around them.
 * @param {number[]} values @param {boolean} log @returns {Scale}
 */
export function scaleOf(values, log) {
  const usable = log ? together(values.filter((v) => v > 0).map(Math.log10)) : values;
  if (usable.length === 0) return { log, low: 0, high: 1, edge: 0 };
  let low = Math.min(...usable), high = Math.max(...usable);
  if (low === high) {
    const room = log ? 0.5 : Math.abs(low) / 2 || 0.5;
    low -= room;
    high += room;
  }
  const room = (high - low) * 0.06;
  const outside = log && values.some((v) => !(v > 0 && Math.log10(v) >= low));
  const edge = low - room * 1.6;
  return { log, low: outside ? edge - room * 0.8 : low - room, high: high + room, edge };
}

/** Logarithms without those far below all others. @param {number[]} logs */
function together(logs) {
  const rising = [...logs].sort((a, b) => a - b);
  while (rising.length > 2 && rising[1] - rising[0] > 3) rising.shift();
  return rising;
}

/** The position of a value. @param {Scale} scale @param {number} v */
export function position(scale, v) {
  if (!scale.log) return v;
  return v > 0 ? Math.max(scale.edge, Math.log10(v)) : scale.edge;
}

/** The value at a position. @param {Scale} scale @param {number} p */
export function valueAt(scale, p) {
  return scale.log ? 10 ** p : p;
}

/**
 * Marks of an axis: positions with the values they stand for.
 * @param {Scale} scale
 * @param {number} count about how many
 * @param {number} factor of the unit they are shown in: marks are round there
 * @returns {{at: number, value: number}[]}
 */
export function marks(scale, count, factor = 1) {
  if (scale.log) return logMarks(scale, count);
  const low = scale.low * factor, high = scale.high * factor;
  const step = roundStep((high - low) / Math.max(1, count));
  const out = [];
  for (let i = Math.ceil(low / step); i * step <= high; i++) {
    out.push({ at: (i * step) / factor, value: (i * step) / factor });
  }
  return out;
}

function logMarks(scale, count) {
  const decades = scale.high - scale.low;
  const choices = decades > count ? [1] : decades > count / 2.5 ? [1, 3] : decades > count / 8 ? [1, 2, 5] : null;
  if (!choices) { // less than a decade or so: round steps between the ends
    const low = 10 ** scale.low, high = 10 ** scale.high;
    const step = roundStep((high - low) / Math.max(1, count));
    const out = [];
    for (let i = Math.ceil(low / step); i * step <= high; i++) {
      if (i > 0) out.push({ at: Math.log10(i * step), value: i * step });
    }
    return out;
  }
  const every = Math.max(1, Math.ceil(decades / Math.max(1, count)));
  const out = [];
  for (let d = Math.floor(scale.low); d <= Math.ceil(scale.high); d++) {
    if (d % every) continue;
    for (const c of choices) {
      const at = d + Math.log10(c);
      if (at >= scale.low && at <= scale.high && at > scale.edge) out.push({ at, value: Number(`${c}e${d}`) });
    }
  }
  return out;
}

function roundStep(raw) {
  const size = 10 ** Math.floor(Math.log10(raw));
  const lead = raw / size;
  return (lead >= 7 ? 10 : lead >= 3 ? 5 : lead >= 1.5 ? 2 : 1) * size;
}

/** Okabe and Ito's colours, which nearly everybody can tell apart, for light and dark ground. */
const categories = {
  light: ["#0072b2", "#c05800", "#00855f", "#b0568b", "#8f6a00", "#2b8cc4", "#5c6470"],
  dark: ["#56b4e9", "#e8803c", "#2fc49a", "#d78bb8", "#e6b422", "#8cc8f0", "#aab2bf"],
};

/** Ramps of rising lightness towards the ground's opposite; every step has a contrast of 3:1 to the ground. */
const ramps = {
  light: ["#3b0f70", "#2f5d8c", "#1f8784", "#2a9760", "#96850f"],
  dark: ["#8377ee", "#4f9fd6", "#2fb8a6", "#84d153", "#f5e04a"],
};

/** @param {"light"|"dark"} theme @param {number} i */
export function category(theme, i) {
  const list = categories[theme];
  return list[i % list.length];
}

/** The colour at t from 0 to 1 of the theme's ramp. */
export function ramp(theme, t) {
  const list = ramps[theme];
  const x = Math.min(1, Math.max(0, Number.isFinite(t) ? t : 0)) * (list.length - 1);
  const i = Math.min(list.length - 2, Math.floor(x));
  return mix(list[i], list[i + 1], x - i);
}

function mix(a, b, t) {
  const part = (s, i) => parseInt(s.slice(1 + 2 * i, 3 + 2 * i), 16);
  const hex = [0, 1, 2].map((i) => Math.round(part(a, i) + (part(b, i) - part(a, i)) * t).toString(16).padStart(2, "0"));
  return `#${hex.join("")}`;
}
