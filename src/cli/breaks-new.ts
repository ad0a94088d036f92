import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Command } from "commander";
import { UsageError } from "../errors.ts";
import { foreignBreaks } from "./catalogue.ts";
import { print } from "./options.ts";

/** Adds `kbreak breaks new`. */
export function register(breaks: Command): void {
  breaks
    .command("new")
    .description("Write a new break with blanks to fill in, below --breaks or in a clone's breaks/")
    .argument("<layer/name>", "its id, such as files/my-own")
    .addHelpText("after", "\nExamples:\n  kbreak breaks new files/my-own --breaks ~/breaks\n")
    .action(create);
}

async function create(id: string): Promise<void> {
  const [{ breakIds }, { idPattern }, { scaffold }] = await Promise.all([
    import("../catalogue/catalogue.ts"),
    import("../catalogue/modules.ts"),
    import("../catalogue/scaffold.ts"),
  ]);
  if (!idPattern.test(id))
    throw new UsageError(`\`${id}\` is no id of a break`, {
      hint: "a layer and a name in lower case with dashes, such as files/my-own",
    });
  const own = foreignBreaks();
  const folder = own ?? cloneFolder();
  const file = join(folder, `${id}.ts`);
  if ((await breakIds()).includes(id) || existsSync(file))
    throw new UsageError(`there is a break \`${id}\` already`, { hint: `kbreak breaks show ${id}` });
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, scaffold, { flag: "wx" });
  print(file);
  process.stderr.write(
    own === undefined
      ? `Fill in each "<…>". Then:\n  npx vitest run test/breaks/structure.test.ts -t ${id}    finds what is left\n  npm run build && npx kbreak plan ${id}\n`
      : `Fill in each "<…>". Then:\n  kbreak validate --breaks ${folder}    finds what is left\n  kbreak plan ${id} --breaks ${folder}\n`,
  );
}

/** The breaks of the clone of kbreak that is the working folder. @throws UsageError when it is none. */
function cloneFolder(): string {
  if (!existsSync(join("src", "sdk.ts")) || !existsSync("breaks"))
    throw new UsageError("this is no clone of kbreak, and --breaks names no folder", {
      hint: "kbreak breaks new <layer>/<name> --breaks ~/breaks (or KBREAK_BREAKS)",
    });
  return "breaks";
}
