// Node's sharp, in two ways: as it is commonly used, and at its best.
//
//     node sharp.mjs FOLDER_OF_NODE_MODULES TASK.json
//
// Prints how many seconds all photos took, and how much processor time.

import { createRequire } from "node:module";
import { mkdirSync, readFileSync } from "node:fs";

const [, , modules, taskFile] = process.argv;
const sharp = createRequire(`${modules}/`)("sharp");
const { way, photos, outputs, folder, cores } = JSON.parse(readFileSync(taskFile, "utf8"));

const CHEAPEST = { webp: { effort: 0 }, avif: { effort: 0, chromaSubsampling: "4:2:0" } };

const resized = (image, output) =>
  image.resize({ width: output.width, height: output.height, fit: output.fit, withoutEnlargement: true });
const blurred = (image, output) => (output.blur ? image.blur(output.blur) : image);
const saved = (image, photo, output, options) =>
  image.toFormat(output.format, { quality: output.quality, ...options }).toFile(`${folder}/${photo.name}/${output.file}`);

// As in its documentation: a pipeline for each output, all at once; two threads each.
const common = (photo) =>
  Promise.all(outputs.map((output) => saved(blurred(resized(sharp(photo.path).autoOrient(), output), output), photo, output)));

// One decode; each size from the next larger one, in memory; the encoders' cheapest effort.
async function tuned(photo) {
  let larger = sharp(photo.path).autoOrient();
  for (const group of shapes()) {
    const { data, info } = await resized(larger.clone(), group[0]).raw().toBuffer({ resolveWithObject: true });
    const raw = { width: info.width, height: info.height, channels: info.channels };
    if (group[0].fit === "inside") larger = sharp(data, { raw });
    for (const output of group) await saved(blurred(sharp(data, { raw }), output), photo, output, CHEAPEST[output.format]);
  }
}

function shapes() {
  const groups = new Map();
  for (const output of outputs) {
    const shape = JSON.stringify([output.width, output.height, output.fit, output.blur]);
    groups.set(shape, [...(groups.get(shape) ?? []), output]);
  }
  return [...groups.values()].sort(([a], [b]) => b.width - a.width);
}

// Commonly, sharp itself spreads one photo over the cores; tuned, each core has a photo.
const sideBySide = way === "tuned" ? cores : 1;
if (way === "tuned") {
  sharp.concurrency(1);
  sharp.cache(false);
}

const waiting = [...photos];
async function take() {
  while (waiting.length) await { common, tuned }[way](waiting.shift());
}

for (const photo of photos) mkdirSync(`${folder}/${photo.name}`, { recursive: true });
const before = process.cpuUsage();
const started = performance.now();
await Promise.all(Array.from({ length: sideBySide }, take));
const { user, system } = process.cpuUsage(before);
console.log(JSON.stringify({ seconds: (performance.now() - started) / 1e3, cpu_seconds: (user + system) / 1e6 }));
