// Builds the two vendored files of the dashboard from the pinned packages, and
// with them their licences and MANIFEST.json, which a Go test checks.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";

const out = new URL("../ui/vendor/", import.meta.url);
const here = new URL("./", import.meta.url);
const modules = new URL("node_modules/", here);

const bundles = {
  "preact.js": ["preact", "@preact/signals", "@preact/signals-core", "htm"],
  "echarts.js": ["echarts", "zrender", "tslib"],
};
const licences = { preact: "LICENSE", "@preact/signals": "LICENSE", "@preact/signals-core": "LICENSE", htm: "LICENSE", echarts: "LICENSE", zrender: "LICENSE", tslib: "LICENSE.txt" };

await mkdir(out, { recursive: true });
const manifest = { files: {} };
for (const [file, packages] of Object.entries(bundles)) {
  await build({
    entryPoints: [new URL(file.replace(".js", ".entry.js"), here).pathname],
    outfile: new URL(file, out).pathname,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    legalComments: "none",
    define: { "process.env.NODE_ENV": '"production"' },
  });
  manifest.files[file] = { packages: {} };
  for (const name of packages) {
    const about = JSON.parse(await readFile(new URL(`${name}/package.json`, modules)));
    manifest.files[file].packages[name] = { version: about.version, licence: about.license };
  }
}

const parts = [];
for (const [name, file] of Object.entries(licences)) {
  const text = await readFile(new URL(`${name}/${file}`, modules), "utf8");
  parts.push(`${"=".repeat(72)}\n${name}\n${"=".repeat(72)}\n\n${text.trim()}\n`);
}
await writeFile(new URL("LICENSES.txt", out), parts.join("\n"));
await writeFile(new URL("NOTICE.txt", out), await readFile(new URL("echarts/NOTICE", modules)));

for (const file of [...Object.keys(bundles), "LICENSES.txt", "NOTICE.txt"]) {
  const content = await readFile(new URL(file, out));
  manifest.files[file] = { sha256: createHash("sha256").update(content).digest("hex"), bytes: content.length, ...manifest.files[file] };
}
await writeFile(new URL("MANIFEST.json", out), JSON.stringify(manifest, null, 2) + "\n");
