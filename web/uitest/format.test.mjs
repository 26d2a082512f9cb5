import assert from "node:assert/strict";
import test from "node:test";
import { ago, change, duration, durations, interval, limit, number, value } from "../ui/js/format.js";

const plain = (s) => s.replace(/[\u00a0\u2009]/g, " ");

test("base units become what people read", () => {
  const rows = [
    ["latency.decode", "s/token", 0.00342, "3.42 ms/token"],
    ["latency.prefill", "s/token", 0.000278, "278 µs/token"],
    ["latency.load", "s", 12.5, "12.5 s"],
    ["latency.load", "s", 1.25, "1250 ms"],
    ["memory.peak", "B", 45.1 * 1048576, "45.1 MiB"],
    ["memory.peak", "B", 3 * 1024 ** 3, "3.00 GiB"],
    ["size.weights", "B", 0, "0 KiB"],
    ["energy.decode", "J/token", 0.0146, "14.6 mJ/token"],
    ["power.max", "W", 7.25, "7.25 W"],
    ["quality.top1", "", 0.354, "35.4 %"],
    ["quality.ppl", "", 12.24, "12.2"],
    ["quality.kld", "nat/token", -0.5, "−0.500 nat/token"],
  ];
  for (const [metric, unit, x, want] of rows) assert.equal(plain(value(metric, unit, x)), want);
});

test("numbers keep their significant digits", () => {
  assert.equal(number(0), "0");
  assert.equal(number(NaN), "–");
  assert.equal(number(0.00001234), "1.23e−5");
  assert.equal(plain(number(123456)), "123 456");
  assert.equal(number(0.999949, 3), "1.000");
});

test("an interval shares the unit of its middle and tells its ends apart", () => {
  assert.equal(plain(interval("latency.decode", "s/token", { value: 1e-3, low: 0.99e-3, high: 1.012e-3 })), "0.990 – 1.01 ms/token");
  assert.equal(plain(interval("latency.decode", "s/token", { value: 1.0002e-3, low: 1.0001e-3, high: 1.0003e-3 })), "1.0001 – 1.0003 ms/token");
  assert.equal(interval("size.weights", "B", { value: 5, low: 5, high: 5 }), "");
});

test("a limit has no zeros that say nothing", () => {
  assert.equal(plain(limit("quality.kld", "nat/token", 1)), "1 nat/token");
  assert.equal(plain(limit("memory.peak", "B", 90e6)), "85.83 MiB");
});

test("a change says nothing where nothing can be said", () => {
  assert.equal(plain(change(62, 100)), "−38 %");
  assert.equal(plain(change(104.1, 100)), "+4.1 %");
  assert.equal(change(1, 0), "");
  assert.equal(change(5, 5), "");
  assert.equal(change(NaN, 5), "");
});

test("durations", () => {
  assert.deepEqual([0.25, 3, 42, 150, 7500, 7200].map((s) => plain(duration(s))), ["250 ms", "3.0 s", "42 s", "3 min", "2 h 5 min", "2 h"]);
  assert.equal(plain(durations(120, 180)), "2–3 min");
  assert.equal(plain(durations(120, 125)), "2 min");
  assert.equal(plain(durations(42, 200)), "42 s – 3 min");
  assert.equal(ago(0, 1000), "just now");
  assert.equal(plain(ago(0, 300000)), "5 min ago");
});
