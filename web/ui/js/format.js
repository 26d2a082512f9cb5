// @ts-check
// How people see numbers: base units go in, ms, MiB and mJ come out. Pure.

/** @typedef {{factor: number, unit: string}} Shown value × factor is in unit */

const KiB = 1024;

/** Steps of each base unit, largest first: [smallest magnitude, factor, unit]. */
const steps = {
  s: [[600, 1 / 60, "min"], [10, 1, "s"], [1e-3, 1e3, "ms"], [0, 1e6, "µs"]],
  B: [[KiB ** 3, KiB ** -3, "GiB"], [KiB ** 2 / 2, KiB ** -2, "MiB"], [KiB, 1 / KiB, "KiB"], [0, 1, "B"]],
  J: [[10, 1, "J"], [1e-3, 1e3, "mJ"], [0, 1e6, "µJ"]],
  Hz: [[1e9, 1e-9, "GHz"], [1e6, 1e-6, "MHz"], [0, 1, "Hz"]],
};

/**
 * How to show values of a metric up to some magnitude.
 * @param {string} metric its name; shares are shown in percent
 * @param {string} unit its base unit, such as s/token
 * @param {number} magnitude the largest value, in the base unit
 * @returns {Shown}
 */
export function shownIn(metric, unit, magnitude) {
  if (metric.startsWith("quality.top1")) return { factor: 100, unit: "%" };
  const [base, per] = unit.split("/");
  const table = steps[base];
  if (!table || !Number.isFinite(magnitude)) return { factor: 1, unit };
  const size = Math.abs(magnitude);
  const [, factor, name] = size === 0 ? table[table.length - 2] : table.find(([least]) => size >= least);
  return { factor, unit: per ? `${name}/${per}` : name };
}

/**
 * A number with some significant digits, without exponent where people can do
 * without, and with thin spaces in long ones.
 * @param {number} x
 * @param {number} [digits]
 */
export function number(x, digits = 3) {
  if (x === 0) return "0";
  if (!Number.isFinite(x)) return "–";
  const size = Math.abs(x);
  if (size < 1e-4 || size >= 1e9) return x.toExponential(digits - 1).replace("e+", "e").replace("-", "−");
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  let text = x.toFixed(Math.min(decimals, 8));
  if (size >= 10000) text = text.replace(/\B(?=(\d{3})+(?!\d))/g, "\u2009");
  return text.replace("-", "−");
}

/** @param {number} x @param {Shown} shown @param {number} [digits] */
export function inUnit(x, shown, digits) {
  return `${number(x * shown.factor, digits)}${shown.unit === "" ? "" : shown.unit === "%" ? "\u2009%" : `\u00a0${shown.unit}`}`;
}

/** A value of a metric with its unit: "3.42 ms/token". */
export function value(metric, unit, x, digits) {
  return inUnit(x, shownIn(metric, unit, x), digits);
}

/**
 * A 95 % interval in the unit of its middle: "3.38–3.47 ms/token"; "" for an
 * exact number.
 * @param {string} metric @param {string} unit
 * @param {{value: number, low: number, high: number}} s
 */
export function interval(metric, unit, s) {
  if (s.low === s.high) return "";
  const shown = shownIn(metric, unit, s.value);
  const digits = digitsFor(s.low * shown.factor, s.high * shown.factor);
  const suffix = shown.unit === "" ? "" : `\u00a0${shown.unit}`;
  return `${number(s.low * shown.factor, digits)} – ${number(s.high * shown.factor, digits)}${suffix}`;
}

/** Enough digits to tell two numbers apart: 3 to 5. */
function digitsFor(a, b) {
  for (let d = 3; d < 5; d++) if (number(a, d) !== number(b, d)) return d;
  return 5;
}

/** A limit that a person chose: without zeros that say nothing. */
export function limit(metric, unit, x) {
  const shown = shownIn(metric, unit, x);
  const text = String(Number((x * shown.factor).toPrecision(4))).replace("-", "−");
  return shown.unit === "" ? text : `${text}\u00a0${shown.unit}`;
}

/** The change from a baseline in percent: "−38 %"; "" where it says nothing,
 * as beside a divergence of the baseline from itself, which is rounding. */
export function change(x, base) {
  if (!(Math.abs(base) > 0) || !Number.isFinite(x) || x === base) return "";
  const percent = (x / base - 1) * 100;
  if (Math.abs(percent) >= 1e5) return "";
  if (Math.abs(percent) >= 1000) return `×\u2009${number(x / base, 2)}`;
  const text = Math.abs(percent) < 10 ? Math.abs(percent).toFixed(1) : Math.abs(percent).toFixed(0);
  return `${percent < 0 ? "−" : "+"}${text}\u2009%`;
}

/** A duration in seconds for people: "42 s", "3 min", "2 h 10 min". */
export function duration(seconds) {
  if (!(seconds >= 0)) return "–";
  if (seconds < 1) return `${Math.round(seconds * 1000)}\u00a0ms`;
  if (seconds < 10) return `${seconds.toFixed(1)}\u00a0s`;
  if (seconds < 90) return `${Math.round(seconds)}\u00a0s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)}\u00a0min`;
  const h = Math.floor(seconds / 3600), m = Math.round((seconds - h * 3600) / 60);
  return m ? `${h}\u00a0h ${m}\u00a0min` : `${h}\u00a0h`;
}

/** A range of durations: "2–3 min", or one where both read alike. */
export function durations(low, high) {
  const a = duration(low), b = duration(high);
  if (a === b) return a;
  const [x, unit] = a.split("\u00a0");
  return b.endsWith(`\u00a0${unit}`) && !a.includes(" ") && !b.includes(" ") ? `${x}–${b}` : `${a} – ${b}`;
}

/** How long ago a time was: "just now", "3 min ago". */
export function ago(then, now) {
  const seconds = (now - then) / 1000;
  if (seconds < 5) return "just now";
  if (seconds >= 172800) return `${Math.floor(seconds / 86400)}\u00a0days ago`;
  return `${duration(seconds)} ago`;
}

/** Bytes: "17.0 MiB". */
export function bytes(n) {
  return inUnit(n, shownIn("", "B", n));
}
