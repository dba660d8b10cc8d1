// node build.mjs           the bundle that is committed, and the digest of what it was built from
// node build.mjs lab       labextension/, the extension of JupyterLab and Notebook
// node build.mjs tests     lib/tests/*.test.mjs, for node --test
// node build.mjs harness   lib/harness/, a page that shows the panel with made-up data
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const bundle = join(here, "..", "durable_nb", "dashboard", "static");
const shared = {
  absWorkingDir: here,
  bundle: true,
  format: "esm",
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  logLevel: "warning",
  target: ["es2022", "chrome109", "firefox115", "safari16"],
};

const settings = ["build.mjs", "package-lock.json", "tsconfig.json"];

/** The files below some folders of which something is built: tests and fixtures change nothing in it. */
async function sources(kinds, ...folders) {
  const names = [];
  for (const folder of folders) {
    const found = await readdir(join(here, folder), { recursive: true, withFileTypes: true });
    const files = found
      .filter((entry) => entry.isFile() && kinds.test(entry.name) && !entry.name.includes(".test."))
      .map((entry) => relative(here, join(entry.parentPath, entry.name)).split(sep).join("/"));
    names.push(...files.filter((name) => !name.includes("/fixtures/")));
  }
  return names;
}

function sourcesOfBundle() {
  return sources(/\.(ts|tsx|css)$/, "src/dashboard");
}

/** hatch_build.py finds by the same rule whether the extension is that of its sources. */
async function sourcesOfLab() {
  const found = await sources(/\.(ts|tsx|css|json)$/, "schema", "src/dashboard", "src/lab");
  return [...found, "package.json"];
}

async function digest(folder, names) {
  const hash = createHash("sha256");
  for (const name of [...names].sort()) {
    hash.update(`${name}\0`);
    hash.update(
      createHash("sha256")
        .update(await readFile(join(folder, name)))
        .digest(),
    );
  }
  return hash.digest("hex");
}

async function buildBundle() {
  await mkdir(bundle, { recursive: true });
  await build({ ...shared, minify: true, entryPoints: { dashboard: "src/dashboard/index.ts" }, outdir: bundle });
  await build({
    ...shared,
    minify: true,
    entryPoints: { dashboard: "src/dashboard/styles/index.css" },
    outdir: bundle,
  });
  const built = ["dashboard.css", "dashboard.js"];
  const lines = [
    `${await digest(here, [...(await sourcesOfBundle()), ...settings])}  sources`,
    `${await digest(bundle, built)}  bundle`,
  ];
  await writeFile(join(bundle, "sources.sha256"), `${lines.join("\n")}\n`);
  for (const name of built) {
    console.log(`${name} ${((await readFile(join(bundle, name))).length / 1000).toFixed(1)} kB`);
  }
}

async function buildTests() {
  const out = join(here, "lib", "tests");
  await rm(out, { recursive: true, force: true });
  const found = await readdir(join(here, "src"), { recursive: true });
  const tests = found.filter((name) => name.endsWith(".test.ts")).map((name) => join("src", name));
  await build({
    ...shared,
    platform: "node",
    target: "node20",
    entryPoints: tests,
    outbase: join(here, "src"),
    outdir: out,
    outExtension: { ".js": ".mjs" },
  });
}

/** What JupyterLab has once for all extensions. */
const ofJupyter = ["@codemirror/*", "@jupyter/*", "@jupyterlab/*", "@lumino/*"];

/**
 * Modules of everything that is ours; what JupyterLab's builder makes of them loads the rest from the page.
 *
 * What not every page has (Voilà has no CodeMirror) is in a module of its own, loaded when it is needed.
 */
async function buildLab() {
  const out = join(here, "lib", "lab");
  const made = join(here, "labextension");
  const madeOf = await digest(here, [...(await sourcesOfLab()), ...settings]);
  await rm(out, { recursive: true, force: true });
  await rm(made, { recursive: true, force: true });
  const options = { ...shared, minify: true, external: ofJupyter, outdir: out };
  await build({ ...options, splitting: true, entryPoints: { index: "src/lab/index.ts" } });
  await build({ ...options, entryPoints: { index: "src/lab/styles/index.css" } });
  const modules = join(here, "node_modules", "@jupyterlab", "core-meta", "core.package.json");
  const builder = join(here, "node_modules", "@jupyter", "builder", "lib", "build-labextension.js");
  const done = spawnSync(process.execPath, [builder, "--core-package-file", modules, here], { stdio: "inherit" });
  if (done.status !== 0) {
    throw new Error(`JupyterLab's builder ended with ${done.status ?? done.signal}`);
  }
  await writeFile(join(made, "sources.sha256"), `${madeOf}\n`);
}

async function buildHarness() {
  const out = join(here, "lib", "harness");
  await rm(out, { recursive: true, force: true });
  await build({ ...shared, sourcemap: "inline", entryPoints: { harness: "harness/main.tsx" }, outdir: out });
  await build({ ...shared, entryPoints: { dashboard: "src/dashboard/styles/index.css" }, outdir: out });
  await cp(join(here, "harness", "index.html"), join(out, "index.html"));
}

const jobs = { lab: buildLab, tests: buildTests, harness: buildHarness };
await (jobs[process.argv[2]] ?? buildBundle)();
