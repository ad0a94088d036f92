import { clusterGuard } from "../inventory/authorities.ts";
import { API_PATIENCE } from "../operations/api-library.ts";
import { kindOf } from "../operations/index.ts";
import type { Held, Operation } from "../operations/operation.ts";
import { lines, quote, type Shell, sh, trusted } from "../shell.ts";
import { ACTOR_PERIOD, type FolderWish, folderWishes, isActor, isThroughApi, itemsOf } from "./items.ts";
import type { PlannedOperation } from "./records.ts";
import { clusterCheckOf } from "./run-changes.ts";
import { identityCheck, lock, type Place, prelude, shellFunction } from "./script.ts";
import { type Changing, indexed, printed, restorers, tidied } from "./step-script.ts";
import type { UndoLog } from "./undo-log.ts";

/**
 * Undo without kbreak: a script that holds all that a node needs to put itself back.
 *
 * It asks no symptom, so it cannot tell what a person has fixed in another way: like `undo --exact` it puts everything
 * back that is not as it was.
 */
export interface StandaloneOptions {
  /** The machine that it is for; it does nothing on another. */
  readonly place: Place;
  /** In the order in which they were applied. */
  readonly operations: readonly PlannedOperation[];
  readonly folders: readonly FolderWish[];
  readonly held: (token: string) => Held;
  /** What an operation is called in the report. Default: its kind's title. */
  readonly titleOf?: (spec: Operation) => string;
  /** True: whoever runs it holds the node's lock already. */
  readonly locked?: boolean;
  /** Seconds to wait for another script that is at work on the node. Default 150: filling etcd takes its time. */
  readonly patience?: number;
}

/** What {@link standaloneScript} ends with. */
export const STANDALONE_EXIT = { restored: 0, refused: 1, left: 5 } as const;

const library = trusted(String.raw`
refuse() { printf '%s\n' "$1" >&2; exit ${STANDALONE_EXIT.refused}; }
told() { printf '%s\n' "$NOW" | sed -n "s/^=$1 //p"; }
noted() { printf '%s\n' "$NOW" | sed -n "s/^#$1 //p"; }
as_it_was() { # values
  [ "$(printf '%s\n' "$NOW" | sed -n '/^=/p')" = "$1" ]
}
# Of a command whose exit code is a condition, a shell ignores set -e: so these are called by themselves.
look_again() { # index: sets BACK (yes|no)
  BACK=no
  NOW=$( ( set -eu; "read_$1" ) 4>&1 2>/dev/null )
  if [ "$?" != 0 ]; then return; fi
  ( set -eu; "back_$1" ) >/dev/null 2>&1
  if [ "$?" = 0 ]; then BACK=yes; fi
}
put_right() { # index: unless it is right already
  look_again "$1"
  if [ "$BACK" = yes ]; then return; fi
  why=$( ( set -eu; "restore_$1" ) 2>&1 >/dev/null 4>/dev/null )
  if [ "$?" = 0 ]; then why=; fi
  eval "WHY_$1=\$why"
}
folder_wanted() { # index folder time expected always(yes|no): decided before anything is moved
  now=$(stat -L -c %y -- "$2" 2>/dev/null)
  if [ "$5" = yes ] || [ "$now" = "$3" ] || [ "$now" = "$4" ]; then eval "FOLDER_$1=yes"; else eval "FOLDER_$1=no"; fi
}
folder_put_back() { # index folder time
  eval "wanted=\$FOLDER_$1"
  if [ "$wanted" = yes ]; then folder_back "$2" "$3"; fi
}
report() { # index title
  look_again "$1"
  if [ "$BACK" = yes ]; then printf 'restored: %s\n' "$2"; return; fi
  eval "why=\$WHY_$1"
  printf 'left: %s: %s\n' "$2" "$(printf %s "${"$"}{why:-it is not as it was}" | tr '\n' ' ')"
  CODE=${STANDALONE_EXIT.left}
}
`);

/** True when the operation is restored and nothing of it remains. */
const backFunction = ({ index, spec, before }: Changing): Shell =>
  shellFunction(
    `back_${index}`,
    kindOf(spec).isBack?.(spec, before) ?? { shell: `as_it_was ${quote(printed(before))}` },
  );

/**
 * A self-contained POSIX sh script that restores operations on their node: actors first, then everything else backwards,
 * a second pass for what was not back, the folders' times. It prints a line for each operation and ends with
 * {@link STANDALONE_EXIT}. Idempotent, and right from every half-done state.
 *
 * One compound command, so that a script that was cut on its way does nothing. It holds pre-images: keep it as secret as
 * the undo log, and off command lines.
 * @throws UndoLogError when a pre-image is missing or damaged.
 */
export function standaloneScript(options: StandaloneOptions): string {
  const { place, folders, held, locked = false, patience = 150 } = options;
  const { titleOf = (spec: Operation) => kindOf(spec).title(spec) } = options;
  const operations = indexed(options.operations, 0);
  const actors = operations.filter(isActor).toReversed();
  const others = operations.filter((operation) => !isActor(operation)).toReversed();
  const inOrder = [...actors, ...others];
  const own = inOrder.filter((operation) => !isThroughApi(operation));
  const objects = inOrder.filter(isThroughApi);
  const putRight = (some: readonly Changing[]) => some.map(({ index }) => sh`put_right ${index}`);
  const folderTimes = folders.map(
    ({ folder, time }, index) => sh`folder_put_back ${index} ${folder} ${time}`,
  );
  const body = lines(
    prelude,
    sh`CODE=${STANDALONE_EXIT.restored}`,
    // There is no clock here but the node's own.
    sh`SENT=
read -r ARRIVED _ </proc/uptime`,
    library,
    sh`[ "$(id -u)" = 0 ] || refuse 'this has to be run as root'`,
    identityCheck(place, trusted("refuse 'this is another machine than the one that it is for'")),
    clusterGuard(place.cluster, trusted("refuse 'this is of another cluster than the one that was broken'")),
    locked ? sh`:` : lock(patience, trusted("refuse 'another script is at work on this machine'")),
    restorers(operations, held),
    ...operations.map(backFunction),
    ...operations.map(({ index }) => sh`WHY_${trusted(String(index))}=`),
    ...folders.map(
      ({ folder, time, expected, always }, index) =>
        sh`folder_wanted ${index} ${folder} ${time} ${expected ?? time} ${always}`,
    ),
    ...putRight(own),
    // What keeps the API from answering may be the run's own.
    ...(objects.length > 0 ? [sh`api_wait ${API_PATIENCE}`] : []),
    ...putRight(objects),
    ...(actors.length > 0 ? [sh`sleep ${Math.ceil(ACTOR_PERIOD)}`] : []),
    // One may have been in the way of another that was put back only after it.
    ...putRight([...own, ...objects]),
    ...folderTimes,
    tidied(operations),
    trusted("sync"),
    ...operations.map(({ index, spec }) => sh`report ${index} ${titleOf(spec)}`),
    trusted('exit "$CODE"'),
  );
  return `#!/bin/sh\n{\n${body.shell}\n}\n`;
}

/** The script for one target of a run, in whatever state its log is. @throws UndoLogError */
export function standaloneOf(
  log: Pick<UndoLog, "records" | "content">,
  target: string,
  options: Pick<StandaloneOptions, "place" | "titleOf" | "locked">,
): string {
  const operations = itemsOf(log.records, target);
  return standaloneScript({
    ...options,
    place: { cluster: clusterCheckOf(log.records, target), ...options.place },
    operations,
    folders: folderWishes(log.records, target, operations),
    held: (token) => ({ token, content: log.content }),
  });
}
