/** A module of a break that is sound, unless its operations or its symptom are others than it would have. */
export const greeting = (
  operations = 'writeFile("/etc/motd", "hello")',
  symptom = 'textMissing("/etc/motd", "hello")',
): string => `import { defineBreak, textMissing, writeFile } from "kbreak";
export default defineBreak({
  title: "A greeting",
  summary: "The greeting after a login is another one, so that nobody knows where they are any more.",
  difficulty: "easy",
  source: "nobody",
  reboot: "survives",
  parameters: { type: "object", properties: {}, additionalProperties: false },
  sees: "Another greeting than yesterday's.",
  hints: ["Who greets you?", "A file greets you.", "Look into /etc/motd"],
  find: ["cat /etc/motd"],
  fix: ["truncate -s 0 /etc/motd"],
  metric: "None: greetings are not counted.",
  prevention: "Keep the greeting in version control.",
  operations: () => [${operations}],
  symptom: () => ${symptom},
});
`;
