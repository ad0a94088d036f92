import { sh } from "../shell.ts";
import type { Probe } from "./probe.ts";

/**
 * Of a row of pings to the host, half as many remain without an answer as when so many percent are lost, or more.
 * Whether they are lost cannot be told when nobody has the host's address, nor, unless all are to be lost, when none is
 * answered: then it is the host that is gone.
 */
export function lostAnswers(host: string, percent: number): Probe {
  const count = Math.min(60, Math.max(10, Math.ceil(600 / percent)));
  const most = percent < 100 ? 99 : 100;
  return {
    title: `pings to ${host} are lost`,
    commands: ["ping"],
    script: sh`answer=$(ping -n -q -c ${count} -i 0.05 -W 2 -- ${host} 2>&1)
[ $? -le 1 ] || exit 2
case $answer in *' errors, '*) exit 2 ;; esac
lost=$(printf '%s\n' "$answer" | sed -n 's/.* \([0-9]*\)[.0-9]*% packet loss.*/\1/p')
[ "$lost" -le ${most} ] || exit 2
[ "$lost" -ge ${Math.ceil(percent / 2)} ] || exit 1`,
  };
}
