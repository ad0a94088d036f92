import { quote } from "../shell.ts";

/** What a break that keeps breaking a file is told: the file, the sound text in it, and the broken one. */
export interface Relapse {
  readonly path: string;
  readonly find: string;
  readonly replace: string;
}

/** The parameters for a {@link Relapse}; by default the scheduler gets a flag that it does not understand. */
export const relapseParameters = {
  path: {
    type: "string",
    pattern: "^(/(?!\\.\\.?(/|$))[A-Za-z0-9_.@+:-]+)+$",
    default: "/etc/kubernetes/manifests/kube-scheduler.yaml",
    description: "The file that is broken.",
  },
  find: {
    type: "string",
    minLength: 1,
    default: "--leader-elect=true",
    description: "Text that is in the file exactly once.",
  },
  replace: {
    type: "string",
    minLength: 1,
    default: "--leader-elect=truee",
    description: "What is put in its place.",
  },
} as const;

/** As a fixer repairs the default file of {@link relapseParameters}. */
export const relapseRepair =
  "sed -i 's/--leader-elect=truee/--leader-elect=true/' /etc/kubernetes/manifests/kube-scheduler.yaml";

/**
 * A script that breaks the file again where the sound text is back, and then goes on with `more`, sh in which `relapse`
 * does it once more. A person who removed the text altogether is left in peace. `text` holds no trailing newline, as
 * command substitution drops it, so printf gives it back.
 */
export function relapseScript({ path, find, replace }: Relapse, more = "relapse"): string {
  return `#!/bin/sh
file=${quote(path)}
find=${quote(find)}
replace=${quote(replace)}
relapse() {
  text=$(cat -- "$file" 2>/dev/null) || return 0
  case $text in
  *"$replace"*) ;;
  *"$find"*) printf '%s\\n' "\${text%%"$find"*}$replace\${text#*"$find"}" > "$file" ;;
  esac
}
${more}
`;
}
