import type { Break, BreakDefinition, Parameters } from "./break.ts";
import type { BreakModule } from "./modules.ts";

/**
 * Commands with values in the place of `{name}`; of a list, its items with spaces between. What is no parameter's name
 * stays as it is, as others have braces, too.
 */
function filledIn(commands: readonly string[], parameters: Parameters): readonly string[] {
  return commands.map((command) =>
    command.replaceAll(/\{([A-Za-z]\w*)\}/g, (whole, name: string) => {
      const value = parameters[name];
      if (value === undefined) return whole;
      return Array.isArray(value) ? value.join(" ") : String(value);
    }),
  );
}

/** A break from its module, with the commands of its fixer filled in. */
export function asBreak(definition: BreakDefinition, module: BreakModule): Break {
  const { find, fix, parameters } = definition;
  const defaults = Object.fromEntries(
    Object.entries(parameters.properties).map(([name, { default: value }]) => [name, value]),
  );
  const commands = (values: Parameters) => ({ find: filledIn(find, values), fix: filledIn(fix, values) });
  const usual = commands(defaults);
  const isForAll = [...usual.find, ...usual.fix].join("\n") !== [...find, ...fix].join("\n");
  return {
    ...definition,
    ...usual,
    ...module,
    commands: (values) => (isForAll ? commands(values) : undefined),
  };
}
