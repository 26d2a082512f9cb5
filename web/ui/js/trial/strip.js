// @ts-check
// Raw samples as a strip: every sample a dot, repetition after repetition, so
// that drift and outliers are seen. Drawn as SVG.

import { html, useLayoutEffect, useRef, useState } from "../../vendor/preact.js";
import { number, shownIn, value } from "../format.js";
import { marks, position, scaleOf } from "../scales.js";
import { Panel, Segmented } from "../ui.js";

const H = 210, left = 58, right = 10, top = 12, bottom = 26;

/** Samples cut into repetitions. */
function repetitions(m) {
  const size = Math.max(1, m.group ?? 1), out = [];
  for (let i = 0; i < m.samples.length; i += size) out.push(m.samples.slice(i, i + size));
  return out;
}

const median = (list) => {
  const s = [...list].sort((a, b) => a - b), h = (s.length - 1) / 2;
  return (s[Math.floor(h)] + s[Math.ceil(h)]) / 2;
};

export function Samples({ measurements, values }) {
  const several = measurements.filter((m) => m.samples.length > 1);
  const [chosen, choose] = useState("");
  if (several.length === 0) return null;
  const m = several.find((x) => x.metric === chosen) ?? several.find((x) => x.metric === "latency.decode") ?? several[0];
  const groups = repetitions(m);
  const note = `${m.samples.length} samples in ${groups.length} repetitions. The line is the median, the band its 95 % interval, the bars each repetition's median.`;
  return html`<${Panel} title="Samples" note=${note} id="samples">
    ${several.length > 1 && html`<${Segmented} label="Metric" value=${m.metric} onChange=${choose} options=${several.map((x) => [x.metric, x.metric])} />`}
    <${Strip} metric=${m.metric} unit=${m.unit} groups=${groups} summary=${values[m.metric]} name="repetition" />
  <//>`;
}

/** Mean divergence of each chunk of the text. */
export function Quality({ chunks }) {
  const groups = chunks.filter((c) => c.count > 0).map((c) => [c.kld / c.count]);
  const count = chunks.reduce((n, c) => n + c.count, 0);
  return html`<${Panel} title="Quality by chunk" note=${`Mean divergence from the original model in each of ${chunks.length} chunks, ${count} positions in all.`} id="chunks">
    <${Strip} metric="quality.kld" unit="nat/token" groups=${groups} name="chunk" />
  <//>`;
}

function Strip({ metric, unit, groups, summary, name }) {
  const svg = useRef(null);
  const [W, setW] = useState(720);
  useLayoutEffect(() => { // drawn in pixels, so that text keeps its size
    const watch = new ResizeObserver(([entry]) => setW(Math.max(240, Math.round(entry.contentRect.width))));
    watch.observe(svg.current);
    return () => watch.disconnect();
  }, []);
  const all = groups.flat();
  const scale = scaleOf(all, false);
  scale.low = Math.min(scale.low, summary?.low ?? scale.low);
  if (all.every((v) => v >= 0)) scale.low = Math.max(scale.low, 0);
  const shown = shownIn(metric, unit, Math.max(...all));
  const y = (v) => top + (1 - (position(scale, v) - scale.low) / (scale.high - scale.low)) * (H - top - bottom);
  const wide = (W - left - right) / groups.length;
  const x = (g, i, n) => left + wide * g + wide * (n === 1 ? 0.5 : 0.12 + (0.76 * i) / (n - 1));
  return html`<svg class="strip" ref=${svg} height=${H} viewBox=${`0 0 ${W} ${H}`} role="img" aria-label=${`${metric}: ${all.length} samples from ${value(metric, unit, Math.min(...all))} to ${value(metric, unit, Math.max(...all))}`}>
    ${marks(scale, 4, shown.factor).map((m) => html`<g key=${m.at}><line class="gridline" x1=${left} x2=${W - right} y1=${y(m.value)} y2=${y(m.value)} /><text class="tick" x=${left - 8} y=${y(m.value) + 4} text-anchor="end">${number(m.value * shown.factor)}</text></g>`)}
    <text class="tick" x="4" y=${top - 1}>${shown.unit}</text>
    ${summary && html`<rect class="band" x=${left} width=${W - left - right} y=${y(summary.high)} height=${Math.max(1, y(summary.low) - y(summary.high))} />
      <line class="middle" x1=${left} x2=${W - right} y1=${y(summary.value)} y2=${y(summary.value)} />`}
    ${groups.map((list, g) => html`<g key=${g}>
      ${list.map((v, i) => html`<circle key=${i} class="dotmark" cx=${x(g, i, list.length)} cy=${y(v)} r=${list.length > 8 ? 2 : 3.5} />`)}
      ${list.length > 1 && html`<line class="groupmark" x1=${left + wide * (g + 0.06)} x2=${left + wide * (g + 0.94)} y1=${y(median(list))} y2=${y(median(list))} />`}
      <text class="tick" x=${left + wide * (g + 0.5)} y=${H - 8} text-anchor="middle">${groups.length <= 24 ? `${g === 0 ? `${name} ` : ""}${g + 1}` : g % 10 === 0 ? g + 1 : ""}</text>
    </g>`)}
  </svg>`;
}
