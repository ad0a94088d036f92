import { readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../../playbooks", import.meta.url));

/** The playbooks that come with kbreak, by their path below playbooks/. */
export const shippedPlaybooks: readonly string[] = readdirSync(folder, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".yaml"))
  .sort();

/** The path of a shipped playbook's file, from the working folder. */
export const playbookFile = (name: string) => relative(process.cwd(), join(folder, name));

/** Those that need a Kubernetes that runs. */
export const clusterPlaybooks: readonly string[] = [
  "alex-and-alistair.yaml",
  "drills/node-not-ready.yaml",
  "page-without-a-row.yaml",
];
