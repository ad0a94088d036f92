import type { Command } from "commander";
import { UsageError } from "../errors.ts";
import { didYouMean } from "../schema.ts";

/** The error for a word that is no verb of `command`. */
export function unknownCommand(command: Command, word: string): UsageError {
  const names = command.commands.flatMap((one) => [one.name(), ...one.aliases()]);
  return new UsageError(`unknown command \`${word}\`${didYouMean(word, names)}`, {
    hint: /^[a-z-]+\/[a-z-]+$/.test(word)
      ? `to break it: kbreak apply ${word}; to read about it: kbreak breaks show ${word}`
      : "kbreak help --all lists them",
  });
}
