// @ts-check
// The trade-off between two axes. The front over all objectives comes from the
// daemon; this is what the shown plane needs on top. Pure.

/** @typedef {{x: number, y: number}} Point */

/**
 * The points that no other beats on both axes, from left to right.
 * @template {Point} P
 * @param {P[]} points
 * @param {1|-1} dx 1 if less is better on x, −1 if more is
 * @param {1|-1} dy the same for y
 * @returns {P[]}
 */
export function front2(points, dx, dy) {
  const order = [...points].sort((a, b) => dx * (a.x - b.x) || dy * (a.y - b.y));
  const front = [];
  for (const p of order) {
    if (front.length === 0 || dy * (p.y - front[front.length - 1].y) < 0) front.push(p);
  }
  return dx === 1 ? front : front.reverse();
}

/**
 * The corners of the staircase that bounds what the front beats, from its
 * first point to its last.
 * @param {Point[]} front as front2 returns it
 * @param {1|-1} dx
 * @returns {[number, number][]}
 */
export function staircase(front, dx) {
  /** @type {[number, number][]} */
  const corners = [];
  front.forEach((p, i) => {
    if (i > 0) {
      const before = front[i - 1];
      corners.push(dx === 1 ? [p.x, before.y] : [before.x, p.y]);
    }
    corners.push([p.x, p.y]);
  });
  return corners;
}

/**
 * The point nearest to a place, no farther than reach.
 * @template {Point} P
 * @param {P[]} points @param {number} x @param {number} y @param {number} reach
 * @returns {P | null}
 */
export function nearest(points, x, y, reach) {
  let best = null, distance = reach;
  for (const p of points) {
    const d = Math.hypot(p.x - x, p.y - y);
    if (d <= distance) {
      best = p;
      distance = d;
    }
  }
  return best;
}
