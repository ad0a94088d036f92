/** What a credential is called: the last word of a key, an environment variable or an option. */
const name = String.raw`(?:token|password|passwd|passphrase|secret|api-?key|private-?key|key-?data)`;
// Bounded, as a file may be one long word.
const prefix = String.raw`[\w.-]{0,40}`;
const space = String.raw`[^\S\n]`;
// Inside of a shell's or a JSON's string, quotes have backslashes before them.
const quoted = String.raw`\\+"(?:(?!\\*").)*\\+"|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'`;

/** `token: |` and the lines below it that are indented deeper. */
const block = new RegExp(
  String.raw`^(${space}*)((?:- )?"?${prefix}${name}"?:${space}*[|>][-+\d]*)\n(?:\1${space}+.*\n?)+`,
  "gim",
);
/** `token: …`, `"token":"…"`, `TOKEN=…`. A colon alone may be an image's or a port's. */
const assigned = new RegExp(
  String.raw`(${name}\\*["']?${space}*(?:=|:(?=${space}|\\*["']))${space}*)(?![\s[{|>])(${quoted}|[^\s,;&|"'}\]]+)`,
  "gi",
);
/** `--token …` */
const option = new RegExp(String.raw`(\s--?${prefix}${name}${space}+)(${quoted}|[^\s;&|"']+)`, "gi");

/** A long path may be so; of 48 characters of base64 some are not. */
const ofSmallLetters = /^[a-z/_-]+$/;

/**
 * Takes secrets out of a text that is shown: private keys and certificates in PEM, credentials of kubeconfigs, Secrets,
 * options and authorization headers, passwords in addresses, and any long run of base64.
 */
export function masked(text: string): string {
  return text
    .replaceAll(/-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g, "-----BEGIN $1----- [hidden]")
    .replaceAll(block, "$1$2 [hidden]\n")
    .replaceAll(assigned, "$1[hidden]")
    .replaceAll(option, "$1[hidden]")
    .replaceAll(/\b(bearer|basic)([^\S\n]+)[\w.~+/=-]{6,}/gi, "$1$2[hidden]")
    .replaceAll(/(\/\/[^\s/:@]*:)[^\s/@]+@/g, "$1[hidden]@")
    .replaceAll(/[A-Za-z0-9+/_-]{48,}={0,2}/g, (run) => (ofSmallLetters.test(run) ? run : "[hidden]"));
}

/** A name or title for one line of a terminal: secrets hidden, and control characters, which it would obey, written out. */
export function label(text: string): string {
  return masked(text).replaceAll(/\p{Cc}/gu, escaped);
}

function escaped(character: string): string {
  const short = JSON.stringify(character).slice(1, -1);
  if (short !== character) return short;
  return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`;
}
