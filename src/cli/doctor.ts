import { type Command, Option } from "commander";

/** Adds `kbreak doctor`. */
export function register(program: Command): void {
  program
    .command("doctor")
    .description("Show what is missing here, and the command that brings it")
    .addOption(
      new Option("-o, --output <format>", "how to print it").choices(["table", "json"]).default("table"),
    )
    .action(doctor);
}

async function doctor({ output }: { readonly output: "table" | "json" }): Promise<void> {
  const { alternatives, fixes, labRequirements } = await import("../lab/requirements.ts");
  const { columns } = await import("../render/columns.ts");
  const requirements = labRequirements();
  const ok = requirements.every(({ met }) => met);
  const commands = fixes(requirements);
  process.exitCode = ok ? 0 : 1;
  if (output === "json") {
    process.stdout.write(`${JSON.stringify({ ok, requirements, fixes: commands }, undefined, 2)}\n`);
    return;
  }
  const rows = requirements.map(({ name, met, detail }) => [name, met ? "ok" : "MISSING", detail]);
  process.stdout.write(columns([["PRACTICE NODES NEED", "STATE", "DETAIL"], ...rows]));
  if (ok) return;
  process.stdout.write(`\nTo have practice nodes here:\n${commands.map((line) => `  ${line}\n`).join("")}`);
  process.stdout.write(`Or ${alternatives}.\n`);
}
