import { Argument, type Command } from "commander";
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

/** What may follow these words: commands, options, ids of breaks, and open runs. */
async function candidates(program: Command, words: readonly string[]): Promise<readonly string[]> {
  let command = program;
  for (const word of words)
    command = command.commands.find((one) => one.name() === word || one.aliases().includes(word)) ?? command;
  const verbs = command.commands.map((one) => one.name()).filter((name) => name !== "complete");
  const options = command.options.flatMap(({ long }) => (long ? [long] : []));
  return [...verbs, ...(await argumentsOf(command.name())), ...options];
}

async function argumentsOf(verb: string): Promise<readonly string[]> {
  if (["apply", "plan", "show"].includes(verb)) {
    const { breakIds } = await import("../catalogue/catalogue.ts");
    if (verb !== "show") return breakIds();
    return [...breakIds(), ...(await openIds())];
  }
  return ["undo", "status"].includes(verb) ? openIds() : [];
}

async function openIds(): Promise<readonly string[]> {
  const [{ isOpen, readRuns }, { dataFolder }] = await Promise.all([
    import("../engine/runs.ts"),
    import("../lab/folders.ts"),
  ]);
  return readRuns(dataFolder())
    .runs.filter(isOpen)
    .map(({ id }) => id);
}
