import assert from "node:assert/strict";
import test from "node:test";
import { front2, nearest, staircase } from "../ui/js/pareto.js";

// A small generator, so that every run draws the same points.
function random(seed) {
  return () => {
    seed = (seed * 1664525 + 1013904223) % 4294967296;
    return seed / 4294967296;
  };
}

test("the front is what no other point beats", () => {
  const next = random(7);
  for (let round = 0; round < 50; round++) {
    const points = Array.from({ length: 40 }, () => ({ x: Math.floor(next() * 12), y: Math.floor(next() * 12) }));
    for (const dx of [1, -1]) {
      for (const dy of [1, -1]) {
        const beats = (a, b) => dx * (a.x - b.x) <= 0 && dy * (a.y - b.y) <= 0 && (a.x !== b.x || a.y !== b.y);
        const front = front2(points, dx, dy);
        const want = new Set(points.filter((p) => !points.some((q) => beats(q, p))).map((p) => `${p.x},${p.y}`));
        assert.deepEqual(new Set(front.map((p) => `${p.x},${p.y}`)), want);
        assert.equal(front.length, want.size); // equal points count once
        front.forEach((p, i) => i && assert.ok(p.x > front[i - 1].x));
      }
    }
  }
  assert.deepEqual(front2([], 1, 1), []);
});

test("no corner of the staircase is better than what was measured", () => {
  const front = [{ x: 1, y: 9 }, { x: 3, y: 4 }, { x: 8, y: 1 }];
  assert.deepEqual(staircase(front, 1), [[1, 9], [3, 9], [3, 4], [8, 4], [8, 1]]);
  const more = [{ x: 1, y: 1 }, { x: 3, y: 4 }, { x: 8, y: 9 }]; // more is better on x, less on y
  assert.deepEqual(staircase(more, -1), [[1, 1], [1, 4], [3, 4], [3, 9], [8, 9]]);
  assert.deepEqual(staircase([], 1), []);
});

test("the nearest point within reach", () => {
  const points = [{ x: 0, y: 0 }, { x: 10, y: 0 }];
  assert.equal(nearest(points, 4, 0, 20), points[0]);
  assert.equal(nearest(points, 7, 0, 20), points[1]);
  assert.equal(nearest(points, 7, 30, 20), null);
});
