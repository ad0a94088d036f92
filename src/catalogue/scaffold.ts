/**
 * The module of a new break: a word of a file is replaced. It is whole but for its blanks, texts in angle brackets, which
 * `definitionFindings` finds.
 */
export const scaffold = `import { defineBreak, editFile, textMissing } from "kbreak";

export default defineBreak({
  title: "<what is broken, in a few words>",
  summary: "<what it does and what it teaches, in two or three sentences>",
  difficulty: "medium",
  source: "<the episode or document that it comes from>",
  reboot: "survives",
  needs: { roles: ["control-plane"] },
  parameters: {
    type: "object",
    properties: {
      path: {
        type: "string",
        pattern: "^/",
        default: "<a text file that a kubeadm node has>",
        description: "<what the file is for>",
      },
      text: {
        type: "string",
        minLength: 1,
        default: "<words that are in it exactly once>",
        description: "Words that are in the file exactly once.",
      },
      replacement: {
        type: "string",
        minLength: 1,
        default: "<what is put in their place>",
        description: "What is put in their place.",
      },
    },
    additionalProperties: false,
  },
  sees: "<what a fixer sees, as far as it is to be seen without looking at the file>",
  hints: [
    "<a vague one: a question that leads the right way>",
    "<a clearer one: what kind of thing it is>",
    "<a plain one: what to type or which file to open>",
  ],
  find: ["<a command that finds it, as a fixer would type it>"],
  fix: ["<a command that fixes it, as a fixer would type it>"],
  metric: "<the metric or alert that would have told>",
  prevention: "<how to keep it from happening>",
  operations: ({ path, text, replacement }) => [editFile(path, [{ find: text, with: replacement }])],
  symptom: ({ path, text }) => textMissing(path, text),
});
`;
