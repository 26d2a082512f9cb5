// @ts-check
// What held while a trial was measured, and every try to measure it.

import { html } from "../../vendor/preact.js";
import { bytes, duration, inUnit, shownIn } from "../format.js";
import { Ago, Chip, Digest, Facts, Panel } from "../ui.js";

const percent = (x) => `${(x * 100).toFixed(1)}\u2009%`;

/** Lowest and highest clock over all processors. */
function clock(ranges) {
  if (!ranges?.length) return "";
  const low = Math.min(...ranges.map((r) => r.low)), high = Math.max(...ranges.map((r) => r.high));
  const shown = shownIn("", "Hz", high);
  return low === high ? inUnit(high, shown) : `${inUnit(low, shown)} – ${inUnit(high, shown)}`;
}

export function Conditions({ c, result }) {
  const other = c.other_cpu ?? [];
  return html`<${Panel} title="Conditions" note="What held while it was measured." id="conditions"><${Facts} rows=${[
    ["Measured", html`<${Ago} at=${c.started} />, for ${duration(result.measure_ns / 1e9)} after waiting ${duration(result.wait_ns / 1e9)}`],
    ["Runtime", html`${c.runtime.name} ${c.runtime.version} <${Digest} of=${c.runtime.digest} />`],
    ["Backend", c.runtime.backend],
    ["Governor", c.governor],
    ["Clock", clock(c.clock_hz)],
    ["Temperature", c.temperature_c && `${c.temperature_c.low.toFixed(0)} °C before, ${c.temperature_c.high.toFixed(0)} °C at most`],
    ["Load before", c.load1.toFixed(2)],
    ["Other work", other.length ? `${percent(Math.max(...other))} of the processors at most, in ${other.length} repetitions` : ""],
    ["Measured again", c.repeated ? `${c.repeated} repetitions, because other work disturbed them` : "no repetition"],
    ["Major faults", String(c.major_faults)],
    ["Memory free before", bytes(c.available_memory_bytes)],
    ...Object.entries(c.missing ?? {}).map(([what, why]) => [`No ${what}`, html`<span class="muted">${why}</span>`]),
  ]} /><//>`;
}

export function Attempts({ attempts }) {
  if (attempts.length === 0) return null;
  return html`<${Panel} title="Attempts" note="Each try to measure it on the target." id="attempts">
    <ol class="attempts">${attempts.map((a) => {
      const f = a.result?.failure;
      return html`<li key=${a.id}>
        <p><code>${a.id}</code> <${Chip} tone=${a.state === "reported" ? (f ? "bad" : "good") : a.state === "lost" ? "bad" : "live"}>${f ? f.reason.replace(/_/g, " ") : a.state}<//> <span class="muted">on ${a.target}, <${Ago} at=${a.started} />${a.ended ? `, took ${duration((new Date(a.ended) - new Date(a.started)) / 1000)}` : ""}, fence ${a.fence}</span></p>
        ${f && html`<p>${f.detail}</p>`}
        ${f?.stderr?.length > 0 && html`<pre class="stderr">${f.stderr.join("\n")}</pre>`}
      </li>`;
    })}</ol><//>`;
}
