import assert from "node:assert/strict";
import test from "node:test";
import { marks, position, ramp, category, scaleOf, valueAt, wantsLog } from "../ui/js/scales.js";

test("a wide spread of positive values wants a logarithm", () => {
  assert.equal(wantsLog([1, 101]), true);
  assert.equal(wantsLog([0, 0.001, 1]), true); // zero is drawn on the edge
  assert.equal(wantsLog([1, 99]), false);
  assert.equal(wantsLog([-1, 1000]), false);
  assert.equal(wantsLog([]), false);
});

test("a scale holds all its values, zero too", () => {
  for (const log of [false, true]) {
    const values = [0, 0.002, 0.5, 1.7];
    const s = scaleOf(values, log);
    for (const v of values) assert.ok(position(s, v) > s.low && position(s, v) < s.high, `${v} on log ${log}`);
  }
  const s = scaleOf([0, 0.002, 0.5], true);
  assert.ok(position(s, 0) < position(s, 0.002));
  assert.ok(Math.abs(valueAt(s, position(s, 0.03)) - 0.03) < 1e-12);
});

test("a value far below all others stands on the edge and leaves them the room", () => {
  const values = [8e-8, 1e-3, 0.02, 0.5];
  const s = scaleOf(values, true);
  assert.ok(s.low > -5, `the axis begins at 1e${s.low}`);
  assert.equal(position(s, 8e-8), s.edge);
  for (const v of values) assert.ok(position(s, v) > s.low && position(s, v) < s.high, `${v}`);
  assert.ok(scaleOf([1e-6, 1e-3, 0.5], true).low < -6, "three decades are no reason yet");
});

test("one value, or none, still makes a scale", () => {
  for (const values of [[], [0], [5], [5, 5]]) {
    for (const log of [false, true]) {
      const s = scaleOf(values, log);
      assert.ok(s.high > s.low && Number.isFinite(s.low) && Number.isFinite(s.high));
      assert.ok(marks(s, 6).length < 30);
    }
  }
});

test("marks are round in the unit they are shown in, inside, rising, and neither few nor many", () => {
  const cases = [
    [scaleOf([3.5e6, 16e6], false), 1 / 1048576],
    [scaleOf([0.001, 0.0031], false), 1000],
    [scaleOf([0.003, 1.5], true), 1],
    [scaleOf([1e-6, 1e3], true), 1],
    [scaleOf([2, 2.6], true), 1],
    [scaleOf([20, 61], true), 1],
  ];
  for (const [s, factor] of cases) {
    const m = marks(s, 6, factor);
    assert.ok(m.length >= 2 && m.length <= 14, `${m.length} marks`);
    m.forEach((x, i) => {
      assert.ok(x.at >= s.low && x.at <= s.high);
      if (i) assert.ok(x.at > m[i - 1].at);
      const shown = x.value * factor;
      assert.ok(Math.abs(shown - Number(shown.toPrecision(2))) < 1e-9 * Math.max(1, Math.abs(shown)), `${shown} is not round`);
    });
  }
});

// Relative luminance and contrast as WCAG 2 defines them.
const luminance = (hex) => {
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (a, b) => {
  const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);
  return (x + 0.05) / (y + 0.05);
};

test("marks stand out from the ground", () => {
  for (const [theme, ground] of [["light", "#ffffff"], ["dark", "#171b22"]]) {
    for (let i = 0; i < 7; i++) assert.ok(contrast(category(theme, i), ground) >= 3, `${theme} ${category(theme, i)}: ${contrast(category(theme, i), ground)}`);
    for (let t = 0; t <= 1; t += 0.05) assert.ok(contrast(ramp(theme, t), ground) >= 3, `${theme} at ${t}: ${contrast(ramp(theme, t), ground)}`);
  }
  assert.equal(ramp("light", NaN), ramp("light", 0));
});
