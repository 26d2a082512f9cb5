// @ts-check
// The Pareto scatter: drawn by ECharts, read and moved by pointer and keys.

import { init } from "../../vendor/echarts.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "../../vendor/preact.js";
import { nearest } from "../pareto.js";
import { valueAt } from "../scales.js";
import { margin, option } from "./chart.js";
import { HoverCard } from "./hover.js";

const reach = 20; // pixels from a point that still mean it
const still = matchMedia("(prefers-reduced-motion: reduce)");

/** The theme's colours as the style sheet resolves them here. */
function colours(element) {
  const probe = document.createElement("i");
  element.append(probe);
  const out = { font: getComputedStyle(element).fontFamily };
  for (const name of ["text", "muted", "faint", "line", "grid", "surface", "bad"]) {
    probe.style.color = `var(--${name})`;
    out[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  return out;
}

/** Pixels of a plot in a box of some size. */
function geometry(plot, box) {
  const w = Math.max(1, box.width - margin.left - margin.right), h = Math.max(1, box.height - margin.top - margin.bottom);
  const { x, y } = plot;
  const along = (s, p) => (p - s.low) / (s.high - s.low);
  return {
    w, h,
    pixel: (p) => ({ x: margin.left + along(x.scale, p.x) * w, y: margin.top + (1 - along(y.scale, p.y)) * h }),
    position: (px, py) => [
      x.scale.low + ((px - margin.left) / w) * (x.scale.high - x.scale.low),
      y.scale.low + (1 - (py - margin.top) / h) * (y.scale.high - y.scale.low),
    ],
    inside: (px, py) => px >= margin.left && px <= margin.left + w && py >= margin.top && py <= margin.top + h,
  };
}

/**
 * @param {{plot: any, data: any, cursor: any, onZoom: (z: number[] | null) => void, onOpen: (n: number) => void, theme: string}} props
 */
export function Scatter({ plot, data, cursor, onZoom, onOpen, theme }) {
  const box = useRef(null), canvas = useRef(null), chart = useRef(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  const [drag, setDrag] = useState(null);

  useLayoutEffect(() => {
    chart.current = init(canvas.current, null, { renderer: "canvas" });
    const watch = new ResizeObserver(([entry]) => {
      const { width, height } = entry.contentRect;
      chart.current.resize({ width, height });
      setSize({ width, height });
    });
    watch.observe(canvas.current);
    return () => {
      watch.disconnect();
      chart.current.dispose();
    };
  }, []);
  useEffect(() => {
    chart.current.setOption(option(plot, colours(box.current), still.matches), { replaceMerge: ["series"] });
  }, [plot, theme]);

  const g = geometry(plot, size);
  const pixels = plot.points.map((p) => ({ ...g.pixel(p), point: p })).filter((p) => g.inside(p.x, p.y));
  const where = (e) => {
    const r = canvas.current.getBoundingClientRect();
    return [e.clientX - r.left, e.clientY - r.top];
  };
  const under = (e) => nearest(pixels, ...where(e), reach)?.point.n ?? null;
  const zoomTo = (ax, ay, bx, by) => {
    const [x0, y0] = g.position(Math.min(ax, bx), Math.max(ay, by)), [x1, y1] = g.position(Math.max(ax, bx), Math.min(ay, by));
    onZoom([valueAt(plot.x.scale, x0), valueAt(plot.x.scale, x1), valueAt(plot.y.scale, y0), valueAt(plot.y.scale, y1)]);
  };
  const zoomBy = (factor, px = margin.left + g.w / 2, py = margin.top + g.h / 2) => {
    const left = px - (px - margin.left) * factor, top = py - (py - margin.top) * factor;
    zoomTo(left, top, left + g.w * factor, top + g.h * factor);
  };

  const down = (e) => {
    if (e.button !== 0 || e.pointerType === "touch") return;
    const [x, y] = where(e);
    if (!g.inside(x, y)) return;
    setDrag({ x, y, toX: x, toY: y });
    canvas.current.setPointerCapture(e.pointerId);
  };
  const move = (e) => {
    if (!drag) {
      cursor.value = under(e);
      return;
    }
    const [x, y] = where(e);
    setDrag({ ...drag, toX: Math.min(margin.left + g.w, Math.max(margin.left, x)), toY: Math.min(margin.top + g.h, Math.max(margin.top, y)) });
  };
  const isBox = drag && Math.abs(drag.toX - drag.x) > 6 && Math.abs(drag.toY - drag.y) > 6;
  const up = (e) => {
    const n = under(e);
    if (isBox) zoomTo(drag.x, drag.y, drag.toX, drag.toY);
    else if (n !== null && e.button === 0) onOpen(n);
    setDrag(null);
  };
  useEffect(() => {
    const wheel = (e) => {
      if (!e.ctrlKey && !e.metaKey) return; // the page scrolls
      e.preventDefault();
      zoomBy(e.deltaY < 0 ? 0.8 : 1.25, ...where(e));
    };
    const c = canvas.current;
    c.addEventListener("wheel", wheel, { passive: false });
    return () => c.removeEventListener("wheel", wheel);
  });

  const keys = useKeys({ plot, pixels, cursor, onOpen, onZoom, zoomBy });
  const at = pixels.find((p) => p.point.n === cursor.value) ?? null;
  return html`<div class="plotbox" ref=${box}>
    <div class="plot" role="application" aria-roledescription="scatter plot" tabindex="0" aria-label=${summary(plot)} aria-describedby="plot-help"
      data-view=${[plot.x.scale.low, plot.x.scale.high, plot.y.scale.low, plot.y.scale.high].join(" ")} data-points=${plot.points.length}
      data-zoomed=${plot.zoomed ? "yes" : "no"} onKeyDown=${keys} onBlur=${() => (cursor.value = null)}>
      <div class="canvas ${at && !drag ? "hit" : ""}" ref=${canvas} onPointerDown=${down} onPointerMove=${move} onPointerUp=${up}
        onPointerCancel=${() => setDrag(null)} onPointerLeave=${() => drag || (cursor.value = null)} onDblClick=${(e) => under(e) ?? onZoom(null)}></div>
      ${isBox && html`<div class="zoombox" style=${{ left: `${Math.min(drag.x, drag.toX)}px`, top: `${Math.min(drag.y, drag.toY)}px`, width: `${Math.abs(drag.toX - drag.x)}px`, height: `${Math.abs(drag.toY - drag.y)}px` }}></div>`}
      ${at && !drag && html`<div class="ring" style=${{ left: `${at.x}px`, top: `${at.y}px` }}></div>
        <${HoverCard} point=${at.point} plot=${plot} data=${data} x=${at.x} y=${at.y} width=${size.width} />`}
    </div>
    <div class="zoombuttons" role="group" aria-label="Zoom">
      <button type="button" class="small" onClick=${() => zoomBy(0.7)} aria-label="Zoom in">+</button>
      <button type="button" class="small" onClick=${() => zoomBy(1.4)} aria-label="Zoom out">−</button>
      <button type="button" class="small" onClick=${() => onZoom(null)} disabled=${!plot.zoomed}>Whole view</button>
    </div>
    <p class="sr" id="plot-help">Arrow keys move along the front, with Shift over all points. Enter opens the trial. Plus, minus and zero zoom. The table below holds the same trials.</p>
    <${Announce} point=${at?.point} plot=${plot} />
  </div>`;
}

function summary(plot) {
  const count = (kind) => plot.points.filter((p) => p.kind === kind).length;
  return `${plot.y.label} over ${plot.x.label}: ${plot.points.length} trials, ${count("front")} on the front, ${count("infeasible")} infeasible.`;
}

/** Keys of the plot. */
function useKeys({ plot, pixels, cursor, onOpen, onZoom, zoomBy }) {
  return (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const list = pixels.filter((p) => e.shiftKey || p.point.kind === "front" || p.point.kind === "baseline").sort((a, b) => a.x - b.x || a.y - b.y);
    const i = list.findIndex((p) => p.point.n === cursor.value);
    const to = (j) => {
      if (list.length) cursor.value = list[Math.min(list.length - 1, Math.max(0, j))].point.n;
    };
    const actions = {
      ArrowRight: () => to(i + 1),
      ArrowUp: () => to(i + 1),
      ArrowLeft: () => to(i < 0 ? list.length - 1 : i - 1),
      ArrowDown: () => to(i < 0 ? list.length - 1 : i - 1),
      Home: () => to(0),
      End: () => to(list.length - 1),
      Enter: () => cursor.value !== null && onOpen(cursor.value),
      Escape: () => (cursor.value = null),
      "+": () => zoomBy(0.7),
      "=": () => zoomBy(0.7),
      "-": () => zoomBy(1.4),
      0: () => onZoom(null),
    };
    const act = actions[e.key];
    if (!act) return;
    e.preventDefault();
    act();
  };
}

/** Says to a screen reader where the cursor rests. */
function Announce({ point, plot }) {
  const [text, setText] = useState("");
  useEffect(() => {
    const t = setTimeout(() => {
      setText(point ? `Trial ${point.n}, ${point.kind}. ${point.trial.recipe.text}. ${plot.x.name} ${point.vx * plot.x.shown.factor} ${plot.x.shown.unit}, ${plot.y.name} ${point.vy * plot.y.shown.factor} ${plot.y.shown.unit}` : "");
    }, 300);
    return () => clearTimeout(t);
  }, [point?.n]);
  return html`<p class="sr" aria-live="polite">${text}</p>`;
}
