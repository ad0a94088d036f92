import { isIP } from "node:net";
import { sh } from "../shell.ts";
import type { Probe } from "./probe.ts";

/**
 * A certificate is not valid at the node's present time: expired, or not yet valid. Only its own dates are looked at,
 * not who signed it. Without the file nothing can be told.
 */
export function certificateOutOfTime(path: string): Probe {
  return {
    title: `${path} has expired or is not yet valid`,
    commands: ["openssl"],
    // Errors 9 and 10 are those two, as `openssl verify` numbers them.
    script: sh`answer=$(openssl verify -partial_chain -trusted ${path} -- ${path} 2>&1) && exit 1
case $answer in *'error 9 at 0 depth'*|*'error 10 at 0 depth'*) exit 0 ;; *) echo "$answer" >&2; exit 2 ;; esac`,
  };
}

/** A certificate is not valid for a name or an address. Without the file nothing can be told. */
export function certificateForOthers(path: string, host: string): Probe {
  return {
    title: `${path} is not valid for ${host}`,
    commands: ["openssl"],
    // It says so in words only: its exit code is the same for both answers before OpenSSL 3.2.
    script: sh`answer=$(openssl x509 -noout ${isIP(host) ? "-checkip" : "-checkhost"} ${host} -in ${path} 2>&1)
case $answer in *'does NOT match'*) exit 0 ;; *'does match'*) exit 1 ;; *) echo "$answer" >&2; exit 2 ;; esac`,
  };
}
