// @ts-check
// The scatter for ECharts: an option made of a plot. ECharts only draws; what
// is under the pointer and how far the view is zoomed is known without it.

/** Room around the plane in pixels. */
export const margin = { left: 64, right: 22, top: 26, bottom: 48 };

/** Shapes of the targets. */
const shapes = ["circle", "triangle", "rect", "pin", "roundRect"];
const cross = "path://M2,0 L5,3 L8,0 L10,2 L7,5 L10,8 L8,10 L5,7 L2,10 L0,8 L3,5 L0,2 Z";

/** @param {any} plot @param {Record<string, string>} theme colours by name @param {boolean} still without animation */
export function option(plot, theme, still) {
  return {
    animation: !still,
    animationDuration: 200,
    animationDurationUpdate: 250,
    textStyle: { fontFamily: theme.font, color: theme.muted },
    grid: { ...margin, outerBoundsMode: "none" },
    xAxis: axis(plot.x, theme, "x"),
    yAxis: axis(plot.y, theme, "y"),
    series: [
      limits(plot, theme),
      ...plot.lines.map((l) => ({
        id: `line ${l.target}`, type: "line", data: l.corners, symbol: "none", silent: true, z: 2,
        lineStyle: { color: l.colour, width: 1.5, opacity: 0.75 }, itemStyle: { color: l.colour },
      })),
      { id: "points", type: "scatter", z: 3, cursor: "inherit", silent: true, data: plot.points.map((p) => point(p, theme)) },
    ],
  };
}

function axis(a, theme, which) {
  const names = new Map(a.marks.map((m) => [m.at.toFixed(9), a.shown.factor * m.value]));
  const zero = a.scale.log && a.scale.low < a.scale.edge && a.scale.edge < a.scale.high ? [a.scale.edge] : [];
  const values = [...zero, ...a.marks.map((m) => m.at)];
  return {
    type: "value",
    min: a.scale.low,
    max: a.scale.high,
    name: a.label + (a.log ? ", log" : ""),
    nameLocation: which === "x" ? "middle" : "end",
    nameGap: which === "x" ? 30 : 12,
    nameTextStyle: { color: theme.text, fontSize: 12, fontWeight: 500, align: which === "x" ? "center" : "left", padding: which === "x" ? 0 : [0, 0, 0, -52] },
    axisLine: { show: true, onZero: false, lineStyle: { color: theme.line } },
    axisTick: { show: true, customValues: values, lineStyle: { color: theme.line } },
    axisLabel: {
      customValues: values, color: theme.muted, fontSize: 11, hideOverlap: true,
      formatter: (v) => (names.has(v.toFixed(9)) ? tick(names.get(v.toFixed(9))) : zero.includes(v) ? "≈ 0" : ""),
    },
    splitLine: { show: true, customValues: values, lineStyle: { color: theme.grid } },
    minorTick: { show: false },
  };
}

/** A mark's number without the noise of binary fractions. */
function tick(v) {
  const size = Math.abs(v);
  if (v !== 0 && (size < 1e-4 || size >= 1e7)) return v.toExponential(0).replace("e+", "e").replace("-", "−");
  return String(Number(v.toPrecision(6))).replace("-", "−");
}

const sizes = { infeasible: 9, open: 9, dominated: 9, front: 13, baseline: 17 };

function point(p, theme) {
  const hollow = p.kind === "open" || p.noisy;
  const base = { id: String(p.n), name: String(p.n), value: [p.x, p.y], symbolSize: sizes[p.kind] };
  if (p.kind === "infeasible") return { ...base, symbol: cross, itemStyle: { color: theme.faint, opacity: 0.9 } };
  return {
    ...base,
    symbol: p.kind === "baseline" ? "diamond" : shapes[p.lane % shapes.length],
    itemStyle: {
      color: hollow ? theme.surface : p.colour,
      opacity: p.kind === "dominated" ? 0.55 : 1,
      borderColor: hollow ? p.colour : p.kind === "dominated" ? "transparent" : theme.surface,
      borderWidth: hollow ? 2 : 1.5,
    },
  };
}

/** Constraints as dashed lines, with the side that is infeasible shaded. */
function limits(plot, theme) {
  const line = (l) => ({
    [`${l.on}Axis`]: l.at,
    label: { formatter: l.text, position: "insideEndTop", color: theme.bad, fontSize: 11 },
  });
  const area = (l) => {
    const { low, high } = plot[l.on].scale;
    const [a, b] = l.sign === "≤" ? [Math.max(l.at, low), high] : [low, Math.min(l.at, high)];
    return [{ [`${l.on}Axis`]: a }, { [`${l.on}Axis`]: b }];
  };
  return {
    id: "limits", type: "scatter", data: [], silent: true, z: 1,
    markLine: { silent: true, symbol: "none", animation: false, lineStyle: { color: theme.bad, type: "dashed", width: 1.2 }, data: plot.limits.map(line) },
    markArea: { silent: true, animation: false, itemStyle: { color: theme.bad, opacity: 0.07 }, data: plot.limits.map(area) },
  };
}
