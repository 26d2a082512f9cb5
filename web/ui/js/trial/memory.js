// @ts-check
// The peak of memory, split.

import { html } from "../../vendor/preact.js";
import { bytes } from "../format.js";
import { Panel } from "../ui.js";

export function Memory({ measurements }) {
  const of = (name) => {
    const m = measurements.find((x) => x.metric === name);
    return m ? Math.max(...m.samples) : NaN;
  };
  const peak = of("memory.peak"), anon = of("memory.peak_anon"), floor = of("memory.floor"), device = of("memory.peak_device");
  if (!(peak > 0)) return null;
  const file = peak - anon;
  const share = (x) => (x / peak) * 1000;
  return html`<${Panel} title="Peak memory" note=${`${bytes(peak)} resident at most, in the process that ran the model.`} id="memory">
    ${anon > 0 && html`<svg class="bar tall" viewBox="0 0 1000 24" preserveAspectRatio="none" role="img" aria-label=${`${bytes(anon)} cannot be evicted, ${bytes(file)} are pages of files`}>
      <rect class="anon" width=${share(anon)} height="24" /><rect class="file" x=${share(anon)} width=${1000 - share(anon)} height="24" />
      ${floor > 0 && html`<line class="floor" x1=${share(floor)} x2=${share(floor)} y1="0" y2="24" />`}
    </svg>`}
    <ul class="keys">
      ${anon > 0 && html`<li><i class="key anon"></i><b>${bytes(anon)}</b> anonymous: cannot be evicted</li>
        <li><i class="key file"></i><b>${bytes(file)}</b> pages of files: the model's weights, evictable</li>`}
      ${floor > 0 && html`<li><i class="key floor"></i><b>${bytes(floor)}</b> the runner alone, before it opened a model</li>`}
      ${device > 0 && html`<li><b>${bytes(device)}</b> on the accelerator</li>`}
    </ul>
  <//>`;
}
