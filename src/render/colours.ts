import pc from "picocolors";

/** Functions that put a text into a colour, or leave it as it is. */
export type Colours = ReturnType<typeof pc.createColors>;

/**
 * The colours for what is written to `stream`: none unless it is a terminal.
 *
 * picocolors' own choice looks at standard output only and takes `CI` for a terminal, so that a log file of standard
 * error would be full of escape codes.
 */
export function coloursFor(stream: { readonly isTTY?: boolean }): Colours {
  const unwanted = Boolean(process.env.NO_COLOR) || process.env.TERM === "dumb";
  return pc.createColors(stream.isTTY === true && !unwanted);
}
