import { sh } from "../shell.ts";
import type { Probe } from "./probe.ts";

/** Seconds to wait for what takes so many milliseconds at least. */
const patience = (milliseconds: number) => 5 + Math.ceil(milliseconds / 250);

/** The host answers a ping, but takes at least so many milliseconds. */
export function slowAnswer(host: string, milliseconds: number): Probe {
  return {
    title: `${host} takes ${milliseconds} ms and more to answer`,
    commands: ["ping"],
    script: sh`answer=$(ping -n -q -c 3 -i 0.2 -W ${patience(milliseconds)} -- ${host}) || exit 2
shortest=$(printf '%s\n' "$answer" | sed -n 's/.*= *\([0-9]*\)[.0-9]*\/.*/\1/p')
[ "$shortest" -ge ${milliseconds} ] || exit 1`,
  };
}

/** The host takes a TCP connection on the port, but only after so many milliseconds. */
export function slowConnect(host: string, port: number, milliseconds: number): Probe {
  return {
    title: `${host} takes ${milliseconds} ms and more to accept a connection on port ${port}`,
    commands: ["curl"],
    // What curl makes of the answer does not matter: the time until the connection stands is printed all the same.
    script: sh`time=$(curl -s -o /dev/null --connect-timeout ${patience(milliseconds)} --max-time ${patience(milliseconds) + 1} -w '%{time_connect}' ${`http://${host.includes(":") ? `[${host}]` : host}:${port}/`} || :)
time=$(printf '%s' "$time" | tr -d .)
case $time in ''|*[!0-9]*) exit 2 ;; esac
[ "$time" -gt 0 ] || exit 2
[ "$(expr "$time" / 1000)" -ge ${milliseconds} ] || exit 1`,
  };
}
