// validator.cjs FOLDER once|warm: the same with the Khronos validator, as its readme has it.
const fs = require("fs");
const path = require("path");
const modules = path.resolve("build/bench/gltf/node_modules");
const validator = require(path.join(modules, "gltf-validator"));
const [folder, mode] = process.argv.slice(2);

function find(dir, list) {
  for (const entry of fs.readdirSync(dir, { withFileTypes: true })) {
    const file = path.join(dir, entry.name);
    if (entry.isDirectory()) find(file, list);
    else if (/\.(gltf|glb)$/.test(entry.name)) list.push(file);
  }
  return list;
}
const files = [...find(folder + "/samples", []), ...find(folder + "/kenney", [])];
files.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

async function check(file) {
  const bytes = await fs.promises.readFile(file);
  const report = await validator.validateBytes(new Uint8Array(bytes), {
    uri: file, maxIssues: 1000, writeTimestamp: false,
    externalResourceFunction: (uri) =>
      fs.promises.readFile(path.resolve(path.dirname(file), decodeURIComponent(uri))),
  });
  return report.issues.numErrors === 0 ? "1" : "0";
}

async function pass() {
  const started = process.hrtime.bigint();
  const verdicts = await Promise.all(files.map(check));
  return [Number(process.hrtime.bigint() - started) / 1e9, verdicts];
}

(async () => {
  let [seconds, verdicts] = await pass();
  if (mode === "warm") for (let i = 0; i < 20; i++) [seconds, verdicts] = await pass();
  console.log("answer", verdicts.join(""));
  console.log("seconds", seconds);
})();
