/**
 * The only place where a value becomes part of a shell command.
 *
 * Scripts are for POSIX `sh` (dash, busybox, bash as sh): values are put in single quotes, and a single quote inside
 * one is written as `'\''`. `$'…'` is not used, as dash prints it with its dollar sign.
 */

/** Text that is safe to run: made by {@link sh} or {@link trusted} only. */
export interface Shell {
  readonly shell: string;
}

/** What may be put into a {@link sh} template. A list becomes one quoted word per item. */
export type ShellValue = string | number | boolean | Shell | readonly (string | number)[];

/**
 * One shell word that expands to exactly `value`.
 * @throws RangeError for a NUL byte, which no command line and no environment can hold.
 */
export function quote(value: string): string {
  if (value.includes("\0")) throw new RangeError("a NUL byte cannot be passed to a shell");
  return `'${value.replaceAll("'", "'\\''")}'`;
}

/** Marks text from this source tree as a script. Never for values. */
export function trusted(text: string): Shell {
  return { shell: text };
}

function render(value: ShellValue): string {
  if (typeof value === "string") return quote(value);
  if (typeof value === "number") return quote(String(value));
  if (typeof value === "boolean") return value ? "yes" : "no";
  if ("shell" in value) return value.shell;
  return value.map((item) => quote(String(item))).join(" ");
}

/** A script from a template: every value in `${}` is quoted, other scripts are inserted as they are. */
export function sh(strings: TemplateStringsArray, ...values: readonly ShellValue[]): Shell {
  const text = strings.raw.reduce((done, part, index) => {
    const value = values[index - 1];
    return done + (value === undefined ? "" : render(value)) + part;
  });
  return { shell: text };
}

/** Scripts one after the other, a line each. */
export function lines(...parts: readonly Shell[]): Shell {
  return { shell: parts.map((part) => part.shell).join("\n") };
}
