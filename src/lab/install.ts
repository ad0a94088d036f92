import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { InterruptedError, KbreakError } from "../errors.ts";
import { hostEnvironment } from "./command.ts";
import type { LabPart } from "./requirements.ts";
import { demandRequirements, installCommand, labRequirements, missingPackages } from "./requirements.ts";

/** Runs a program whose output a person is to see; standard output stays free for data. */
function show(argv: readonly string[]): Promise<void> {
  const [program = "", ...args] = argv;
  return new Promise((resolve, reject) => {
    const env = { ...hostEnvironment(), DEBIAN_FRONTEND: "noninteractive" };
    const child = spawn(program, args, { stdio: ["ignore", process.stderr, process.stderr], env });
    child.once("error", reject);
    child.once("close", (code) =>
      code === 0
        ? resolve()
        : reject(new KbreakError(`${argv.join(" ")}: exit code ${code}`, { hint: "kbreak doctor" })),
    );
  });
}

async function agreed(packages: readonly string[]): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return true;
  const { confirm, isCancel } = await import("@clack/prompts");
  const message = `The practice nodes need ${packages.join(", ")}. Install from Debian now?`;
  const answer = await confirm({ message, output: process.stderr });
  return !isCancel(answer) && answer;
}

/**
 * Installs the Debian packages that a lab needs of this host, where that can be done: as root, on Debian. Asks first
 * on a terminal. Does nothing when all is there.
 * @param parts The kinds of the lab's nodes, and whether it has a Kubernetes.
 * @throws PreconditionError when something is missing that this cannot bring; it names the alternatives.
 * @throws InterruptedError when the person says no.
 */
export async function installRequirements(parts: readonly LabPart[]): Promise<void> {
  const requirements = labRequirements(parts);
  const packages = missingPackages(requirements);
  demandRequirements(requirements.filter(({ debianPackage }) => debianPackage === undefined));
  if (packages.length === 0) return;
  if (!existsSync("/etc/debian_version")) demandRequirements(requirements);
  if (!(await agreed(packages))) {
    throw new InterruptedError("nothing was installed", { hint: installCommand(packages) });
  }
  await show(["apt-get", "update"]);
  await show(installCommand(packages).split(" "));
  demandRequirements(labRequirements(parts));
}
