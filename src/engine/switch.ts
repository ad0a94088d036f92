import { randomBytes } from "node:crypto";
import { kindOf } from "../operations/index.ts";
import { markedProcesses } from "../operations/marked.ts";
import type { Operation } from "../operations/operation.ts";
import { lines, type Shell, sh, trusted } from "../shell.ts";
import { type Frame, parseLines } from "./script.ts";

/**
 * The dead-man's switch: a process on the node that puts a step back by itself, unless kbreak has come back over a new
 * connection and cancelled it ("commit confirmed", as network engineers know it). It holds the node's lock while it
 * works, and whether it was cancelled or has fired, nothing of it stays.
 */
export interface Switch {
  /** A random word: marks its process, and names what it keeps on the disk. */
  readonly token: string;
  /** After so many seconds without being cancelled it fires. */
  readonly seconds: number;
  /** True: what it guards survives a restart of the node, so it does, too, and fires when the node is up again. */
  readonly lasting: boolean;
}

const cutsTheWay = (spec: Operation) => kindOf(spec).dangers(spec).includes("lockout");

/** Whether a restart of the node would leave the way to it cut. */
export const cutsLastingly = (specs: readonly Operation[]): boolean =>
  specs.some((spec) => cutsTheWay(spec) && kindOf(spec).lasting(spec));

/** The switch that operations need; `undefined` when none of them can cut the way. */
export function switchFor(specs: readonly Operation[], seconds: number): Switch | undefined {
  if (!specs.some(cutsTheWay)) return undefined;
  return { token: newMark(), seconds, lasting: cutsLastingly(specs) };
}

/** Where systemd keeps what is enabled: a lasting switch writes there, and sets the folders' times back at once. */
const units = "/etc/systemd/system";
const wants = `${units}/multi-user.target.wants`;

/** The folders whose modification times arming and cancelling move for a moment. */
export const switchFolders: readonly string[] = [units, wants];

/** What tells one switch from another. */
type Marked = Pick<Switch, "token">;

/** A word that nobody else has: as long as those that systemd marks its services with. */
export const newMark = (): string => randomBytes(16).toString("hex");

/** A name such as systemd gives to a unit that was made in passing. */
export const unitOf = ({ token }: Marked): string => `run-r${token}.service`;

/** Where a unit's switch keeps what it needs: a drop-in folder, in which systemd reads only *.conf. */
export const keptBy = (guard: Marked): string => `${units}/${unitOf(guard)}.d`;

/** Seconds that a switch waits for the script that is at work on the node. */
export const LOCK_PATIENCE = 300;

/** What arms, cancels and ends switches. */
export const switchLibrary = lines(
  markedProcesses,
  trusted(String.raw`
switch_untimed() { # function argument...: does it, and sets the times of systemd's folders back
  units_time=$(stat -c %y -- ${units}) wants_time=$(stat -c %y -- ${wants} 2>/dev/null || :)
  "$@"
  touch -d "$units_time" -- ${units}
  if [ -n "$wants_time" ]; then touch -c -d "$wants_time" -- ${wants}; fi
  sync -- ${units}
  if [ -d ${wants} ]; then sync -- ${wants}; fi
}
switch_keep() { # unit text token
  if [ ! -d ${units}/"$1".d ]; then mkdir -m 700 -- ${units}/"$1".d; fi
  printf '%s\n' "$2" >${units}/"$1".d/1
  if mkdir -m 755 -- ${wants} 2>/dev/null; then true >${units}/"$1".d/2; fi
  printf '%s\n' '[Service]' "ExecStart=/usr/bin/env INVOCATION_ID=$3 /bin/sh ${units}/$1.d/1 now" >${units}/"$1"
  sync -- ${units}/"$1".d/1 ${units}/"$1".d ${units}/"$1"
  ln -sfn ../"$1" ${wants}/"$1"
}
switch_drop() { # unit
  rm -f -- ${wants}/"$1"
  if [ -e ${units}/"$1".d/2 ]; then rmdir -- ${wants} 2>/dev/null || :; fi
  rm -rf -- ${units}/"$1" ${units}/"$1".d
}
switch_kept() { # unit: is anything of it on the disk?
  [ -L ${wants}/"$1" ] || [ -e ${units}/"$1" ] || [ -e ${units}/"$1".d ]
}
switch_forget() { # unit
  if ! switch_kept "$1"; then return; fi
  switch_untimed switch_drop "$1"
  # Only a systemd that has read its units meanwhile knows of it.
  case " $(systemctl show -p Wants --value multi-user.target) " in *" $1 "*) systemctl daemon-reload ;; esac
}
switch_start() { # token text
  answer=$(printf '%s\n' "$2" | {
    exec 3<&0
    INVOCATION_ID=$1 setsid sh -s <&3 3<&- 4>&- 9>&- 2>/dev/null &
  })
  [ "$answer" = armed ] || { echo "it answers: $answer" >&2; return 1; }
}
switch_end() { # token: sets ENDED (yes|no)
  ENDED=no signal=TERM
  while pids=$(process_pids "$1"); [ -n "$pids" ]; do
    ENDED=yes
    # Of a unit, an end by TERM is no failure that systemd would remember.
    for pid in $pids; do kill -s "$signal" "$pid" 2>/dev/null || :; done
    sleep 0.02
    signal=KILL
  done
}
`),
);

/** What a switch needs before it waits. */
export const switchStart = trusted(String.raw`
move_away() { # to process 1: whoever stops sshd's unit may end all that is in its control group
  while IFS=: read -r _ names path; do
    case $names in
    '') mounts='/sys/fs/cgroup /sys/fs/cgroup/unified' ;;
    name=systemd) mounts=/sys/fs/cgroup/systemd ;;
    *) mounts= ;;
    esac
    for mount in $mounts; do
      if [ -w "$mount$path/cgroup.procs" ]; then echo 0 >"$mount$path/cgroup.procs"; fi
    done
  done </proc/1/cgroup
}
say_armed() {
  echo armed
  exec >/dev/null
}
`);

/** A preloaded library can keep every program from starting; a redirection needs none. */
export const switchRescue = trusted("if ! stat /; then true >/etc/ld.so.preload; fi");

/**
 * What the switch runs. With the argument `now`, which the unit of a lasting one gives it when the node was started, it
 * fires at once.
 */
function switchText(guard: Switch, restore: string): Shell {
  return lines(
    trusted("{\ntrap '' HUP PIPE\nexec </dev/null"),
    switchLibrary,
    switchStart,
    trusted(String.raw`
doze() { # seconds function: calls it when the program that waits has really begun, and from then on needs no other
  sleep "$1" >/dev/null 2>&1 &
  read -r now _ </proc/uptime
  end=$((${"$"}{now%.*} + 2))
  until read -r name <"/proc/$!/comm" && [ "$name" = sleep ]; do
    read -r now _ </proc/uptime
    if [ "${"$"}{now%.*}" -gt "$end" ]; then break; fi
  done
  "$2"
  wait "$!"
}
if [ "${"$"}{1-}" != now ]; then
  move_away
  doze ${guard.seconds} say_armed
fi
exec >/dev/null 2>&1
${switchRescue.shell}
exec 9</
# The script that armed it may still be at work: from its end on the time is given once more.
if ! flock -n 9; then
  flock -w ${LOCK_PATIENCE} 9
  flock -u 9
  doze ${guard.seconds} :
  flock -w ${LOCK_PATIENCE} 9
fi
`),
    trusted(`(\n${restore}\n)`),
    sh`switch_forget ${unitOf(guard)}`,
    trusted("exit 0\n}"),
  );
}

/** Arms a switch, then does `body`, unless it could not be armed: then its frame has another exit code than 0. */
export function armed(guard: Switch, restore: string, body: Shell): Shell {
  const text = switchText(guard, restore).shell;
  const keep = guard.lasting
    ? sh`
  if [ -d /run/systemd/system ]; then switch_untimed switch_keep ${unitOf(guard)} "$text" ${guard.token}; fi`
    : sh``;
  return lines(
    switchLibrary,
    sh`arm() {
  text=${text}${keep}
  switch_start ${guard.token} "$text"
}
`,
    ifArmed(body),
  );
}

/** Calls `arm`, and does `body` unless that fails: then there is a frame of it with another exit code than 0. */
export const ifArmed = (body: Shell): Shell =>
  lines(
    trusted(`begin 0 arm
( set -eu; arm ) 2>&1 4>/dev/null
code=$?
end 0 arm "$code"
if [ "$code" = 0 ]; then`),
    body,
    trusted("fi"),
  );

/** The frame that tells that a switch could not be armed, so that nothing was done. */
export const unarmed = (frames: readonly Frame[]): Frame | undefined =>
  frames.find(({ name, code }) => name === "arm" && code !== 0);

/** Cancels switches, unless they have fired, and removes what there is of them. For {@link answerOf}. */
export function cancelling(guards: readonly Marked[]): Shell {
  if (guards.length === 0) return sh``;
  return lines(
    switchLibrary,
    trusted(String.raw`
switch_cancel() { # token unit
  answer=fired
  if switch_kept "$2"; then answer=cancelled; fi
  switch_end "$1"
  if [ "$ENDED" = yes ]; then answer=cancelled; fi
  switch_forget "$2"
  put "$1" "$answer"
}
`),
    trusted("begin 0 switches"),
    ...guards.map((guard) => sh`( set -eu; switch_cancel ${guard.token} ${unitOf(guard)} ) 2>/dev/null 4>&1`),
    trusted("end 0 switches 0"),
  );
}

export type SwitchAnswer = "cancelled" | "fired";

/** What became of a switch that was asked about; `undefined` when the answer does not tell. */
export function answerOf(frames: readonly Frame[], { token }: Marked): SwitchAnswer | undefined {
  const answer = parseLines(frames.find(({ name }) => name === "switches")?.lines ?? [], "=")[token];
  return answer === "cancelled" || answer === "fired" ? answer : undefined;
}
