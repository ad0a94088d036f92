import { RemoteError } from "../errors.ts";
import { lines, type Shell, sh, trusted } from "../shell.ts";
import type { TimeToLive } from "./records.ts";
import { complaint, type Frame, parseLines } from "./script.ts";
import type { Session } from "./session.ts";
import {
  cancelling,
  ifArmed,
  keptBy,
  LOCK_PATIENCE,
  switchLibrary,
  switchRescue,
  switchStart,
  unarmed,
  unitOf,
} from "./switch.ts";
import type { UndoLog } from "./undo-log.ts";

/**
 * A run that undoes itself: a switch that each node keeps on its disk with all that it needs, and that fires at the run's
 * time though nobody can reach the node and it was started again meanwhile.
 *
 * Nobody can set the clock that runs since a boot. How long the node was off only the time of day can tell: by the last
 * note, which is a minute old at most, and never more than nothing when the clock was set back.
 */

/** Seconds between two notes of the time that is left. */
const NOTE = 60;

/** How often a restoration that is not complete is tried, a note's time apart. */
const TRIES = 10;

/** What is kept: `1` the waiting script, `r` the one that restores, `t` boot, deadline, seconds left, time of day. */
const clockLibrary = trusted(String.raw`
ttl_note() { # folder boot deadline left: whole, whatever happens
  printf '%s %s %s %s\n' "$2" "$3" "$4" "$(date +%s)" >"$1/t.new"
  sync -- "$1/t.new"
  mv -f -- "$1/t.new" "$1/t"
}
ttl_begin() { # folder seconds
  ttl_look "$1"
  ttl_note "$1" "$boot" "$((up + $2))" "$2"
}
ttl_look() { # folder: sets boot, deadline and left (in seconds)
  read -r boot </proc/sys/kernel/random/boot_id
  read -r up _ </proc/uptime
  up=${"$"}{up%.*}
  was= deadline=0 left=0 then=0
  if [ -e "$1/t" ]; then read -r was deadline left then <"$1/t"; fi
  if [ "$was" = "$boot" ]; then left=$((deadline - up))
  else
    off=$(($(date +%s) - then))
    if [ "$off" -gt 0 ]; then left=$((left - off)); fi
    deadline=$((up + left))
  fi
  if [ "$left" -lt 0 ]; then left=0; fi
}
`);

const waitingText = (ttl: Pick<TimeToLive, "token">): Shell => {
  const folder = keptBy(ttl);
  return lines(
    trusted("{\ntrap '' HUP PIPE\nexec </dev/null"),
    switchLibrary,
    switchStart,
    clockLibrary,
    sh`if [ "${trusted("$")}{1-}" != now ]; then
  move_away
  say_armed
fi
exec >/dev/null 2>&1
while ttl_look ${folder}; [ "$left" -gt 0 ]; do
  ttl_note ${folder} "$boot" "$deadline" "$left"
  if [ "$left" -gt ${NOTE} ]; then left=${NOTE}; fi
  sleep "$left"
done
${switchRescue}
tries=${TRIES}
while [ "$tries" -gt 0 ]; do
  exec 9</
  flock -w ${LOCK_PATIENCE} 9
  ( . ${`${folder}/r`} )
  if [ "$?" = 0 ]; then break; fi
  exec 9<&-
  sleep ${NOTE}
  tries=$((tries - 1))
done
switch_forget ${unitOf(ttl)}
exit 0
}`,
  );
};

/** How a run's time is armed. */
export interface Arming {
  /** Undoes all that the run has done on the node, and what the script that arms it does. */
  readonly restore: string;
  /** `begin`: it must not be there. `extend`: it is there, unless its time has come. `set`: its time is another one now. */
  readonly how: "begin" | "extend" | "set";
}

/** Arms a run's time, or extends what is undone then, before it does `body`; does not do it when the time has come. */
export function withTtl(ttl: TimeToLive & { readonly seconds: number }, arming: Arming, body: Shell): Shell {
  const folder = keptBy(ttl);
  return lines(
    switchLibrary,
    clockLibrary,
    sh`arm() {
  text=${waitingText(ttl).shell}
  if [ ${arming.how} = extend ] && [ ! -e ${folder}/r ]; then
    echo 'the time of this run has come, and the node has undone it' >&2
    return 1
  fi
  if [ ${arming.how} = set ]; then switch_end ${ttl.token}; fi
  if [ ${arming.how} != extend ]; then
    switch_untimed switch_keep ${unitOf(ttl)} "$text" ${ttl.token}
    ttl_begin ${folder} ${ttl.seconds}
  fi
  printf '%s\n' ${arming.restore} >${folder}/r.new
  sync -- ${folder}/r.new
  mv -f -- ${folder}/r.new ${folder}/r
  sync -- ${folder}
  if [ -z "$(process_pids ${ttl.token})" ]; then switch_start ${ttl.token} "$text"; fi
}`,
    ifArmed(body),
  );
}

/** The run's time on a target as its log has it; `undefined` when there is none, or none any more. */
export function ttlOf(
  records: UndoLog["records"],
  target: string,
): (TimeToLive & { readonly seconds: number }) | undefined {
  const last = records.findLast((entry) => entry.type === "ttl" && entry.target === target);
  return last?.type === "ttl" && last.seconds !== undefined ? { ...last, seconds: last.seconds } : undefined;
}

/** Seconds until the node undoes the run by itself; `undefined` when it has, or has been told not to. */
export async function ttlLeft(session: Session, ttl: TimeToLive): Promise<number | undefined> {
  const folder = keptBy(ttl);
  const frames = await session.read(
    lines(
      clockLibrary,
      sh`ttl_left() { if [ -e ${folder}/t ]; then ttl_look ${folder}; put left "$left"; fi; }
frame 0 ttl ttl_left`,
    ),
  );
  const { left } = parseLines(frames.find(({ name }) => name === "ttl")?.lines ?? [], "=");
  return left === undefined ? undefined : Number(left);
}

/** Takes a run's time off its node. */
export async function endTtl(session: Session, ttl: TimeToLive): Promise<void> {
  await session.read(cancelling([ttl]));
}

/** Sets a run's time on its node anew. @throws RemoteError when the node does not take it. */
export async function setTtl(
  session: Session,
  ttl: TimeToLive & { readonly seconds: number },
  restore: string,
): Promise<void> {
  const frames: readonly Frame[] = await session.read(withTtl(ttl, { restore, how: "set" }, sh`:`));
  const refusal = unarmed(frames);
  if (refusal !== undefined)
    throw new RemoteError(`${session.name}: the run's time could not be set: ${complaint(refusal)}`, {
      target: session.name,
    });
}
