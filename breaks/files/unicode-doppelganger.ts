import { confusablesOf, defineBreak, describeCharacter, editFile, textMissing } from "kbreak";

/** `text` with the last `letter` in it replaced. */
function disguised(text: string, letter: string, lookalike: string): string {
  const at = text.lastIndexOf(letter);
  return text.slice(0, at) + lookalike + text.slice(at + letter.length);
}

/** The character given, or the most lifelike one of Unicode's table. */
function lookalikeOf(letter: string, given: string): string | undefined {
  return given === "" ? confusablesOf(letter)[0] : given;
}

export default defineBreak({
  title: "A letter that is another letter",
  summary:
    "One ASCII letter of a configuration file is replaced by a character that looks the same. Nothing is to be seen in an editor, and nothing works that compares the word. It is the break after which Klustered forbade Unicode.",
  difficulty: "hard",
  source: "Klustered VII; What David Flanagan Learned",
  reboot: "survives",
  dangers: ["unicode"],
  needs: { roles: ["control-plane"], commands: ["grep"] },
  parameters: {
    type: "object",
    properties: {
      path: {
        type: "string",
        pattern: "^/",
        default: "/etc/kubernetes/scheduler.conf",
        description: "A text file.",
      },
      text: {
        type: "string",
        minLength: 1,
        default: "current-context: system:kube-scheduler@",
        description: "Words that are in the file exactly once.",
      },
      letter: {
        type: "string",
        pattern: "^[ -~]$",
        default: "e",
        description: "The ASCII character to replace: its last place in `text`.",
      },
      lookalike: {
        type: "string",
        default: "",
        description: "The character to put there. Default: the most lifelike one of Unicode's table.",
      },
    },
    additionalProperties: false,
  },
  sees: "kubectl with this kubeconfig says that a context does not exist, while the file plainly names it; searching for the word finds nothing.",
  hints: [
    "Do you trust your eyes?",
    "Search for a word that you can see.",
    "Not all of the file is ASCII: grep -nP '[^\\x00-\\x7F]'.",
  ],
  find: ["grep -nP '[^\\x00-\\x7F]' /etc/kubernetes/scheduler.conf"],
  fix: [
    "sed -i 's/^current-context: .*/current-context: system:kube-scheduler@kubernetes/' /etc/kubernetes/scheduler.conf",
  ],
  metric: "kube_pod_container_status_restarts_total of the component that reads the file.",
  prevention:
    "Check configuration for characters outside ASCII before it is rolled out, and roll it out from version control.",
  refusal({ text, letter, lookalike }) {
    if (!text.includes(letter)) return `\`text\` has no ${JSON.stringify(letter)}`;
    const character = lookalikeOf(letter, lookalike);
    if (character === undefined)
      return `Unicode's table knows nothing that looks like ${JSON.stringify(letter)}`;
    if (!confusablesOf(letter).includes(character))
      return `${JSON.stringify(character)} (${describeCharacter(character)}) does not look like ${JSON.stringify(letter)}; these do: ${confusablesOf(
        letter,
      )
        .map((one) => `${one} (${describeCharacter(one)})`)
        .join(", ")}`;
    return undefined;
  },
  operations: ({ path, text, letter, lookalike }) => [
    editFile(path, [{ find: text, with: disguised(text, letter, lookalikeOf(letter, lookalike) ?? letter) }]),
  ],
  symptom: ({ path, text }) => textMissing(path, text),
});
