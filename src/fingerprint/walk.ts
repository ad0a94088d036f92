import { type Shell, sh, trusted } from "../shell.ts";
import { type Look, outsideFileSystems, volatilePaths } from "./volatile.ts";

/** `find` actions: what to do with a path, by how much of it is looked at. */
export interface Actions {
  readonly outside: Shell;
  readonly names: Shell;
  readonly untimed: Shell;
  readonly whole: Shell;
}

const or = trusted(" -o ");

function any(tests: readonly Shell[]): Shell {
  const joined = tests.reduce((done, test) => sh`${done}${or}${test}`);
  return sh`\( ${joined} \)`;
}

function paths(look: Look): Shell {
  return any(volatilePaths.filter((path) => path.look === look).map(({ pattern }) => sh`-path ${pattern}`));
}

/**
 * Prints paths, each ended by a NUL, without a walk. In base64, as names need not be UTF-8; printf is part of the shell,
 * so that any number of names is no long command line.
 */
export function listed(paths: readonly Buffer[]): Shell {
  const names = Buffer.concat(paths.flatMap((path) => [path, Buffer.of(0)]));
  return sh`printf '%s' ${names.toString("base64")} | base64 -d`;
}

/** The folders of the root in which there is anything volatile, such as /run: most paths are elsewhere. */
const volatileTops = [...new Set(volatilePaths.map(({ pattern }) => /^\/[^/*?[]+/.exec(pattern)?.[0] ?? ""))];

/**
 * A `find` through everything that a fingerprint looks at, all file systems included. The first list that a path is
 * in decides, from the least that is looked at to the most.
 */
export function walk({ outside, names, untimed, whole }: Actions): Shell {
  const pseudo = any(outsideFileSystems.map((type) => sh`-fstype ${type}`));
  const isVolatile = any(volatileTops.map((top) => sh`-path ${`${top}*`}`));
  return sh`find / ${isVolatile} \( ${paths("nothing")} -prune -o ${paths("outside")} -prune ${outside} \
  -o ${pseudo} -prune ${outside} -o ${paths("names")} ${names} -o ${paths("untimed")} ${untimed} -o ${whole} \) \
  -o ${pseudo} -prune ${outside} -o ${whole}`;
}
