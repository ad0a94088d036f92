import { InterruptedError, PreconditionError } from "../errors.ts";

/**
 * Asks a yes or no question on the terminal.
 * @param otherwise What holds when the answer is no, such as "nothing was changed".
 * @throws InterruptedError, PreconditionError when the answer is not yes.
 */
export async function confirm(message: string, otherwise: string): Promise<void> {
  const { confirm: ask, isCancel } = await import("@clack/prompts");
  // Standard output is for data.
  const answer = await ask({ message, initialValue: false, output: process.stderr });
  if (isCancel(answer)) throw new InterruptedError(`interrupted; ${otherwise}`);
  if (!answer) throw new PreconditionError(`not confirmed; ${otherwise}`);
}
