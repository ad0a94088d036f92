import { randomBytes } from "node:crypto";
import { sh, trusted } from "../shell.ts";

/** What a script finds in its environment, whatever the node's own was broken into (and sshd's SSH_CONNECTION). */
export const ENVIRONMENT = {
  PATH: "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin",
  LC_ALL: "C",
  HOME: "/root",
} as const;

/** A command line that becomes a root shell which reads its script from standard input. */
export interface RootShell {
  readonly command: string;
  /** What the shell prints, once, directly before it reads the script. Output before it is not the script's. */
  readonly marker: string;
}

/** A program and its arguments that read a POSIX script from standard input when `-s` follows. */
export type ShellWords = readonly [string, ...string[]];

/** The usual shell, and those that a node may still have when a break has taken that one. */
export const SHELLS: readonly [ShellWords, ...ShellWords[]] = [
  ["/bin/sh"],
  ["/bin/dash"],
  ["/bin/bash", "--posix"],
  ["/bin/busybox", "sh"],
];

/**
 * The command line that replaces whatever shell runs it (sh, bash, zsh, fish) by a root shell with a clean environment.
 * @param become True: by `sudo -n`.
 * @param shell Default: `/bin/sh`.
 */
export function rootShell(become: boolean, shell: ShellWords = SHELLS[0]): RootShell {
  const first = randomBytes(8).toString("hex");
  const second = randomBytes(8).toString("hex");
  const sudo = trusted(become ? "sudo -n -- " : "");
  const environment = trusted(
    Object.entries(ENVIRONMENT)
      .map(([name, value]) => `${name}=${value}`)
      .join(" "),
  );
  // Which port sshd took this connection on; breaks must spare it, and only the login shell's environment tells.
  const connection = trusted('SSH_CONNECTION="$SSH_CONNECTION"');
  // The marker is handed over in two halves: a terminal or `set -v` that echoes this line does not print the whole.
  const start = 'printf %s%s "$1" "$2"; shift 2; exec "$@" -s';
  return {
    command:
      sh`exec ${sudo}/usr/bin/env -i ${environment} ${connection} ${shell} -c ${start} sh ${first} ${second} ${shell}`
        .shell,
    marker: first + second,
  };
}
