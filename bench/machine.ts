import { readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { attempt } from "../src/lab/command.ts";

/** Where it was measured, and with what. */
export interface Machine {
  readonly processor: string;
  readonly processors: number;
  /** Gibibytes. */
  readonly memory: number;
  readonly system: string;
  readonly kernel: string;
  /** Processes that were ready to run, in the minute before the measurement and in its last one. */
  readonly load: { readonly before: number; readonly after: number };
  readonly versions: Readonly<Record<"kbreak" | "node" | "ansible" | "openssh", string>>;
}

const fieldOf = (file: string, pattern: RegExp) => pattern.exec(readFileSync(file, "utf8"))?.[1] ?? "unknown";

/** Processes that are ready to run, over the last minute. */
export const loadNow = (): number => Number((loadavg()[0] ?? 0).toFixed(1));

async function said(argv: readonly string[], pattern: RegExp): Promise<string> {
  const { stdout, stderr } = await attempt(argv).catch(() => ({ stdout: "", stderr: "" }));
  return pattern.exec(stdout + stderr)?.[1] ?? "not installed";
}

/** This machine. @param before The load when the command began. */
export async function machine(before: number): Promise<Machine> {
  return {
    processor: cpus()[0]?.model ?? "unknown",
    processors: cpus().length,
    memory: Math.round(totalmem() / 1024 ** 3),
    system: fieldOf("/etc/os-release", /^PRETTY_NAME="?([^"\n]*)/m),
    kernel: release(),
    load: { before, after: loadNow() },
    versions: {
      kbreak: fieldOf("package.json", /"version": "([^"]*)"/),
      node: process.version.slice(1),
      ansible: await said(["ansible-playbook", "--version"], /\[core ([^\]]*)\]/),
      openssh: await said(["ssh", "-V"], /OpenSSH_(\S+)/),
    },
  };
}
