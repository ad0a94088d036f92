import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { InterruptedError, KbreakError, PreconditionError } from "../errors.ts";
import { hostEnvironment } from "./command.ts";
import type { LabPart, Requirement } from "./requirements.ts";
import {
  demandRequirements,
  installCommand,
  labRequirements,
  missingPackages,
  programRequirement,
} from "./requirements.ts";

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

async function agreed(who: string, packages: readonly string[]): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return true;
  const { confirm, isCancel } = await import("@clack/prompts");
  const message = `${who} need ${packages.join(", ")}. Install from Debian now?`;
  const answer = await confirm({ message, output: process.stderr });
  return !isCancel(answer) && answer;
}

/**
 * Installs the Debian packages that are missing, where that can be done: as root, on Debian. Asks first on a terminal.
 * @param who What needs them, in the plural, for a person.
 * @param demand Throws when something is missing. @param look Looks again at what is there.
 */
async function install(
  who: string,
  look: () => readonly Requirement[],
  demand: (requirements: readonly Requirement[]) => void,
): Promise<void> {
  const requirements = look();
  const packages = missingPackages(requirements);
  demand(requirements.filter(({ debianPackage }) => debianPackage === undefined));
  if (packages.length === 0) return;
  if (!existsSync("/etc/debian_version")) demand(requirements);
  if (!(await agreed(who, packages))) {
    throw new InterruptedError("nothing was installed", { hint: installCommand(packages) });
  }
  await show(["apt-get", "update"]);
  await show(installCommand(packages).split(" "));
  demand(look());
}

/**
 * Installs the Debian packages that a lab needs of this host, where that can be done: as root, on Debian. Asks first
 * on a terminal. Does nothing when all is there.
 * @param parts The kinds of the lab's nodes, and whether it has a Kubernetes.
 * @throws PreconditionError when something is missing that this cannot bring; it names the alternatives.
 * @throws InterruptedError when the person says no.
 */
export function installRequirements(parts: readonly LabPart[]): Promise<void> {
  return install("The practice nodes", () => labRequirements(parts), demandRequirements);
}

/**
 * Installs the Debian packages of programs in the same way.
 * @param who What needs them, in the plural, for a person.
 * @throws PreconditionError, InterruptedError as above.
 */
export function installPrograms(
  who: string,
  programs: readonly (readonly [program: string, debianPackage: string])[],
): Promise<void> {
  const look = () => programs.map(([program, debianPackage]) => programRequirement(program, debianPackage));
  return install(who, look, (requirements) => {
    const packages = missingPackages(requirements);
    if (packages.length === 0) return;
    throw new PreconditionError(`missing on this host: ${packages.join(", ")}`, {
      hint: installCommand(packages),
    });
  });
}
