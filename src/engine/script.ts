import { randomBytes } from "node:crypto";
import { EnrolmentError, LockError, RemoteError } from "../errors.ts";
import { type ClusterCheck, clusterGuard } from "../inventory/authorities.ts";
import { containerIdFunction } from "../inventory/container-id.ts";
import { otherCluster } from "../inventory/enrolment.ts";
import { lines, type Shell, sh, trusted } from "../shell.ts";
import type { Connection } from "../transport/transport.ts";
import type { NodeClock } from "./records.ts";

/**
 * How kbreak talks with a node: one script, one answer.
 *
 * The script is ONE compound command: a shell parses it to its end before it runs any of it, so a script that was cut
 * on its way does nothing at all. Its answer is framed by a random marker, as start-up files and preloaded libraries
 * may print anything before, after and between.
 */

/** One framed part of an answer: what ran for which operation, its lines, and its exit code. */
export interface Frame {
  readonly index: number;
  readonly name: string;
  readonly lines: readonly string[];
  /** `undefined`: the frame has no end, so the script was killed inside it. */
  readonly code: number | undefined;
}

/**
 * What every script on a node begins with: nothing of the shell's surroundings counts any more. Defines `put` and `note`,
 * by which a `read` tells its values and notes, `$NEWLINE`, and the functions that frame an answer.
 */
export const prelude = trusted(String.raw`
exec </dev/null
# A script goes on to its end when the connection is gone: half a change is worse than a whole one.
trap '' HUP PIPE
umask 077
PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin LC_ALL=C TZ=UTC
# A bash takes functions from its environment, and they come before programs of the same name.
unset -f env sed
for name in $(env | sed -n -e 's/^BASH_FUNC_\([A-Za-z0-9_]*\)%%=.*/%\1/p' -e 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p'); do
  case $name in
  %*) unset -f "${"$"}{name#%}" ;;
  PATH|LC_ALL|TZ|HOME|SSH_CONNECTION|SHELLOPTS|BASHOPTS|PPID|UID|EUID) ;;
  *) unset "$name" ;;
  esac
done
unset IFS
NEWLINE='
'
export PATH LC_ALL TZ
b64() { base64 -w 0; }
put() { printf '=%s %s\n' "$1" "$2"; }
note() { printf '#%s %s\n' "$1" "$2" >&4; }
begin() { printf '\n%s begin %s %s\n' "$MARKER" "$1" "$2"; }
end() { printf '\n%s end %s %s %s\n' "$MARKER" "$1" "$2" "$3"; }
clock() {
  read -r boot </proc/sys/kernel/random/boot_id
  read -r uptime _ </proc/uptime
  begin 0 clock
  printf '=boot %s\n=uptime %s\n' "$boot" "${"$"}{uptime%.*}"
  end 0 clock 0
}
refuse_late() { # boot uptime
  [ "$boot" = "$1" ] && [ "${"$"}{uptime%.*}" -le "$2" ] && return
  begin 0 late; end 0 late 1
  exit 0
}
frame() { # index name function
  begin "$1" "$2"
  ( set -eu; "$3" ) 2>&1 4>&1
  end "$1" "$2" "$?"
}
`);

/** When it was sent, in milliseconds by kbreak's clock, and when it came, in seconds since the node's boot. */
const postmark = (sent: number) => sh`SENT=${sent}
read -r ARRIVED _ </proc/uptime`;

/** Seconds that a script waits for the node's lock. */
const PATIENCE = 30;

/**
 * Waits so many seconds for the node's lock, then does `otherwise`, which has to end the script. The lock is on the root
 * folder itself: it needs no file, and dies with the last process that holds it.
 */
export const lock = (patience: number, otherwise: Shell) => sh`exec 9</
flock -w ${patience} 9 || { ${otherwise}; }`;

/** The machine that a script is for. */
export interface Place {
  /** The script does nothing on a machine with another `/etc/machine-id`. */
  readonly machineId?: string;
  /** The script does nothing in another container than this one; its machine-id does not matter then. */
  readonly containerId?: string;
  /** The script does nothing on a node of another cluster. */
  readonly cluster?: ClusterCheck;
}

export interface ScriptOptions extends Place {
  /** Milliseconds. */
  readonly deadline: number;
  /**
   * The script does nothing after that. A script may be stuck in the network until after the undo of what it does; a
   * state that is as it was would not stop it.
   */
  readonly expires?: NodeClock;
  /** Seconds to wait for the node's lock. Default 30. */
  readonly patience?: number;
}

/** What {@link nodeScript} puts around a body. */
export type ScriptFrame = Omit<ScriptOptions, "deadline"> & {
  /** Milliseconds since 1970 by kbreak's clock. Without it a body cannot ask for `SENT` and `ARRIVED`. */
  readonly sent?: number;
};

/** The text that is sent: `body` behind the prelude, as one compound command. */
export function nodeScript(
  body: Shell,
  marker: string,
  { expires, patience = PATIENCE, sent, ...place }: ScriptFrame = {},
): string {
  const whole = lines(
    prelude,
    sent === undefined ? sh`:` : postmark(sent),
    sh`MARKER=${marker}`,
    identityCheck(place, trusted('begin 0 stranger; echo "$own"; end 0 stranger 1; exit 0')),
    clusterGuard(place.cluster, trusted('begin 0 remade; echo "$seen"; end 0 remade 1; exit 0')),
    lock(patience, trusted("begin 0 busy; end 0 busy 1; exit 0")),
    trusted("clock"),
    expires === undefined ? sh`:` : sh`refuse_late ${expires.boot} ${expires.uptime}`,
    body,
    // A script may run for long: its answer comes with the time at its end.
    trusted("clock"),
    sh`begin 0 finished; end 0 finished 0; exit 0`,
  );
  return `{\n${whole.shell}\n}\n`;
}

/**
 * Does `otherwise`, which has to end the script, on any other machine than the one that was enrolled. It finds what the
 * machine is known by in `$own`.
 */
export function identityCheck({ machineId, containerId }: Place, otherwise: Shell): Shell {
  const expected = containerId ?? machineId;
  if (expected === undefined) return sh`:`;
  return lines(
    containerId === undefined
      ? trusted("own=; read -r own </etc/machine-id")
      : lines(containerIdFunction, trusted("own=$(container_id)")),
    sh`[ "$own" = ${expected} ] || { ${otherwise}; }`,
  );
}

/** Splits an answer into its frames; everything outside of them is noise. */
export function parseFrames(output: string, marker: string): readonly Frame[] {
  const frames: Frame[] = [];
  let open: { index: number; name: string; lines: string[] } | undefined;
  for (const line of output.split("\n")) {
    const at = line.indexOf(`${marker} `);
    if (at < 0) {
      open?.lines.push(line);
      continue;
    }
    const [word, index, name = "", code] = line.slice(at + marker.length + 1).split(" ");
    if (word === "begin") open = { index: Number(index), name, lines: [] };
    if (word !== "end" || open === undefined) continue;
    frames.push({ ...open, lines: trimmed(open.lines), code: code === undefined ? undefined : Number(code) });
    open = undefined;
  }
  if (open !== undefined) frames.push({ ...open, lines: trimmed(open.lines), code: undefined });
  return frames;
}

/** A frame's end stands on a line of its own, so an empty line comes before it. */
function trimmed(text: readonly string[]): readonly string[] {
  return text.at(-1) === "" ? text.slice(0, -1) : text;
}

/** A script arrived at its node after it had expired, and did nothing. */
export class LateError extends RemoteError {
  override readonly code = "late";
}

/** The node's own time when it told it last; `undefined` when the answer does not hold it. */
export function clockOf(frames: readonly Frame[]): NodeClock | undefined {
  const { boot, uptime } = parseLines(frames.findLast(({ name }) => name === "clock")?.lines ?? [], "=");
  return boot === undefined || uptime === undefined ? undefined : { boot, uptime: Number(uptime) };
}

/** The outcome of a script is not known: the connection was lost, it took too long, or its shell was killed. */
export class UnknownOutcomeError extends RemoteError {
  override readonly code = "unknown-outcome";
  /** What arrived before the answer ended. */
  readonly frames: readonly Frame[];

  constructor(message: string, frames: readonly Frame[], target: string) {
    super(message, { target, hint: "kbreak reads the node again before it decides anything" });
    this.frames = frames;
  }
}

/**
 * Runs `body` on a node and gives its frames.
 * @throws UnknownOutcomeError, EnrolmentError (another machine), LockError (another script runs there), LateError.
 */
export async function runScript(
  connection: Connection,
  body: Shell,
  options: ScriptOptions,
): Promise<readonly Frame[]> {
  const marker = randomBytes(12).toString("hex");
  const target = connection.node;
  const script = nodeScript(body, marker, { ...options, sent: Date.now() });
  const outcome = await connection.run(script, { deadline: options.deadline });
  const frames = parseFrames(outcome.stdout, marker);
  refuseStranger(target, frames, options);
  if (frames.some((frame) => frame.name === "busy"))
    throw new LockError(
      `another script of ours is running on ${target}, and still was after ${options.patience ?? PATIENCE} seconds`,
      { target, hint: "wait until it has ended, and type the command again" },
    );
  if (frames.some((frame) => frame.name === "late"))
    throw new LateError(`a script took so long on its way to ${target} that it was not run any more`, {
      target,
      hint: "nothing was changed by it; see what slows the way to the node down, and type the command again",
    });
  if (outcome.kind === "unknown")
    throw new UnknownOutcomeError(`no answer from ${target}: ${outcome.detail}`, frames, target);
  if (!frames.some((frame) => frame.name === "finished"))
    throw new UnknownOutcomeError(
      `the script on ${target} ended early (exit code ${outcome.code}): ${lastLine(outcome.stderr)}`,
      frames,
      target,
    );
  return frames;
}

/** @throws EnrolmentError when the node has said that it is not the one that was enrolled. */
function refuseStranger(target: string, frames: readonly Frame[], options: ScriptOptions): void {
  const hint = `look at what happened to ${target}; if it is your lab's, type: kbreak inventory enrol --replace ${target}`;
  const stranger = frames.find(({ name }) => name === "stranger");
  if (stranger !== undefined) {
    const id = stranger.lines.join("").trim() || "none";
    throw new EnrolmentError(
      options.containerId === undefined
        ? `${target} is another machine than the one that was enrolled: its machine-id was ${options.machineId} and is ${id}`
        : `${target} is another container than the one that was enrolled: its id was ${options.containerId} and is ${id}`,
      { target, hint },
    );
  }
  const remade = frames.find(({ name }) => name === "remade");
  if (remade !== undefined)
    throw new EnrolmentError(otherCluster(target, knownBy(options.cluster), remade.lines), { target, hint });
}

function knownBy({ known, uid }: ClusterCheck = { known: [], files: [] }) {
  return { authorities: known, ...(uid === undefined ? {} : { clusterUid: uid }) };
}

const lastLine = (text: string) => text.trim().split("\n").at(-1) ?? "";

/** A function of the node's script. */
export function shellFunction(name: string, body: Shell): Shell {
  return { shell: `${name}() {\n${body.shell}\n}` };
}

/** One `key value` line that a node printed with `put` (values) or `note` (notes). */
export function parseLines(text: readonly string[], sign: "=" | "#"): Record<string, string> {
  const entries = text
    .filter((line) => line.startsWith(sign))
    .map((line) => {
      const space = line.indexOf(" ");
      return [line.slice(1, space), line.slice(space + 1)] as const;
    });
  return Object.fromEntries(entries);
}

/** What a part of the script complained about. */
export function complaint(frame: Frame): string {
  return (
    frame.lines.filter((line) => line !== "" && !/^[=#]/.test(line)).join("; ") || `exit code ${frame.code}`
  );
}
