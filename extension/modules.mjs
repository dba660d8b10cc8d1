// node modules.mjs   npm ci, unless node_modules is already that of package-lock.json
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const stamp = join(here, "node_modules", ".package-lock.sha256");
const wanted = createHash("sha256")
  .update(await readFile(join(here, "package-lock.json")))
  .digest("hex");

async function installed() {
  try {
    return await readFile(stamp, "utf8");
  } catch (error) {
    if (error.code === "ENOENT") {
      return null;
    }
    throw error;
  }
}

if ((await installed()) !== wanted) {
  const npm = spawnSync("npm", ["ci", "--prefer-offline", "--no-audit", "--no-fund"], { cwd: here, stdio: "inherit" });
  if (npm.status !== 0) {
    console.error(npm.error?.message ?? `npm ci ended with ${npm.status ?? npm.signal}`);
    process.exit(1);
  }
  await writeFile(stamp, wanted);
}
