import { ConfigError } from "../../src/errors.ts";
import { playbookFrom } from "../../src/playbook/load.ts";
import { parseYaml } from "../../src/yaml.ts";
import { known } from "./known.ts";

/** What is wrong with a playbook's text, each as `p.yaml:line:column: message`. @throws when nothing is. */
export async function problemsOf(text: string): Promise<readonly string[]> {
  const failure = await parseYaml("p.yaml", text)
    .then((document) => playbookFrom(document, known))
    .catch((error: unknown) => error);
  if (!(failure instanceof ConfigError)) throw new Error("no ConfigError", { cause: failure });
  return failure.problems.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`);
}
