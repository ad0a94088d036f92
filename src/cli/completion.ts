import { Argument, type Command } from "commander";
import { foreignBreaks } from "./catalogue.ts";
import { print } from "./options.ts";

/** Adds `kbreak completion`, and the hidden verb that its scripts ask. */
export function register(program: Command): void {
  program
    .command("completion")
    .description("Print the completion script of a shell")
    .addArgument(new Argument("<shell>").choices(["bash", "zsh", "fish"]))
    .addHelpText(
      "after",
      "\nExamples:\n  source <(kbreak completion bash)\n  kbreak completion fish > ~/.config/fish/completions/kbreak.fish\n",
    )
    .action((shell: "bash" | "zsh" | "fish") => {
      print(scripts[shell]);
    });
  program
    .command("complete", { hidden: true })
    .argument("[words...]")
    .action(async (words: readonly string[]) => {
      print((await candidates(program, words)).join("\n"));
    });
}

const scripts = {
  bash: `_kbreak() { mapfile -t COMPREPLY < <(compgen -W "$(kbreak complete -- "\${COMP_WORDS[@]:1:COMP_CWORD-1}" 2>/dev/null)" -- "\${COMP_WORDS[COMP_CWORD]}"); }
complete -o default -F _kbreak kbreak`,
  zsh: `#compdef kbreak
_kbreak() { compadd -- \${(f)"$(kbreak complete -- "\${words[@]:1:$((CURRENT-2))}" 2>/dev/null)"}; _files; }
compdef _kbreak kbreak`,
  fish: `complete -c kbreak -a '(set -l words (commandline -opc); kbreak complete -- $words[2..-1] 2>/dev/null)'`,
};

/** What may follow these words: commands, options and their choices, ids of breaks and runs. */
async function candidates(program: Command, words: readonly string[]): Promise<readonly string[]> {
  const path: string[] = [];
  let command = program;
  for (const word of words) {
    const found = command.commands.find((one) => one.name() === word || one.aliases().includes(word));
    if (found === undefined) continue;
    command = found;
    path.push(found.name());
  }
  const last = words.at(-1);
  const option = [...command.options, ...program.options].find(
    ({ long, short }) => last !== undefined && [long, short].includes(last),
  );
  if (option?.required) return option.argChoices ?? [];
  const verbs = command.commands.map((one) => one.name()).filter((name) => name !== "complete");
  const options = command.options.flatMap(({ long }) => (long ? [long] : []));
  return [...verbs, ...(await argumentsOf(path.join(" "), words)), ...options];
}

async function argumentsOf(verb: string, words: readonly string[]): Promise<readonly string[]> {
  switch (verb) {
    case "apply":
    case "plan":
    case "breaks show":
      return (await import("../catalogue/catalogue.ts")).breakIds(
        givenFor("--breaks", words) ?? foreignBreaks(),
      );
    case "runs show":
    case "runs export":
      return runIds(false);
    case "undo":
    case "status":
      return runIds(true);
    default:
      return [];
  }
}

/** What the words that are there already say for a global option. */
function givenFor(option: string, words: readonly string[]): string | undefined {
  const at = words.indexOf(option);
  const joined = words.find((word) => word.startsWith(`${option}=`));
  return at < 0 ? joined?.slice(option.length + 1) : words[at + 1];
}

async function runIds(open: boolean): Promise<readonly string[]> {
  const [{ readOpenRuns, readRuns }, { dataFolder }] = await Promise.all([
    import("../engine/runs.ts"),
    import("../lab/folders.ts"),
  ]);
  const { runs } = (open ? readOpenRuns : readRuns)(dataFolder());
  return runs.map(({ id }) => id);
}
