import { setTimeout as sleep } from "node:timers/promises";
import type { ClientChannel } from "ssh2";
import { messageOf } from "../errors.ts";
import { drive, type OpenShell, seconds, unknown } from "./drive.ts";
import type { RootShell } from "./root-shell.ts";
import type { Link } from "./ssh-link.ts";
import type { Outcome } from "./transport.ts";

/** Milliseconds between the attempts to get a session from a server that has none free. */
const BACK_OFF: readonly number[] = [100, 200, 400, 800, 1_600];

/** A slow link may deliver the last output well after the exit code. */
const LINGER = 5_000;

/** Milliseconds that a server has to confirm that a session is closed. */
const CLOSING = 5_000;

type Started = { readonly outcome: Outcome } | { readonly refused: string };

/** Runs a script in a session of its own and resolves with its outcome. Never throws. */
export async function runInSession(
  link: Link,
  shell: RootShell,
  script: string,
  deadline: number,
  onClosed: () => void,
): Promise<Outcome> {
  const end = performance.now() + deadline;
  let refusal = "";
  for (const pause of [0, ...BACK_OFF]) {
    if (pause > 0) await sleep(Math.min(pause, Math.max(0, end - performance.now())));
    const left = end - performance.now();
    if (left <= 0) break;
    const started = await start(link, shell, script, left, onClosed);
    if ("outcome" in started) return started.outcome;
    refusal = started.refused;
  }
  onClosed();
  return unknown("lost", `the node's ssh server refuses another session: ${refusal}`);
}

function start(
  link: Link,
  shell: RootShell,
  script: string,
  deadline: number,
  onClosed: () => void,
): Promise<Started> {
  return new Promise((resolve) => {
    let given = false;
    const give = (started: Started): void => {
      given = true;
      clearTimeout(timer);
      link.gone.removeEventListener("abort", onGone);
      resolve(started);
    };
    const onGone = (): void => {
      give({ outcome: unknown("lost", String(link.gone.reason)) });
      onClosed();
    };
    const timer = setTimeout(() => {
      give({ outcome: unknown("deadline", `no session was opened within ${seconds(deadline)}`) });
      onClosed();
    }, deadline);
    link.gone.addEventListener("abort", onGone, { once: true });
    if (link.gone.aborted) return onGone();

    try {
      link.client.exec(shell.command, (error: (Error & { reason?: unknown }) | undefined, channel) => {
        if (given) return channel?.close();
        if (error !== undefined) {
          if (typeof error.reason === "number")
            return give({ refused: error.message || `reason ${error.reason}` });
          give({ outcome: unknown("lost", `no session could be opened: ${error.message}`) });
          return onClosed();
        }
        const outcome = drive(openShell(channel), script, {
          deadline,
          gone: link.gone,
          marker: shell.marker,
          linger: LINGER,
        });
        whenClosed(channel, outcome, onClosed);
        clearTimeout(timer);
        link.gone.removeEventListener("abort", onGone);
        void outcome.then((value) => give({ outcome: value }));
      });
    } catch (error) {
      // ssh2 throws instead of calling back when its socket is closed already.
      give({ outcome: unknown("lost", messageOf(error)) });
      onClosed();
    }
  });
}

/** A session counts as open until the server confirms its end, or has had time to. */
function whenClosed(channel: ClientChannel, outcome: Promise<Outcome>, onClosed: () => void): void {
  channel.once("close", onClosed);
  void outcome.then(() => setTimeout(onClosed, CLOSING).unref());
}

function openShell(channel: ClientChannel): OpenShell {
  return {
    stdin: channel,
    stdout: channel,
    stderr: channel.stderr,
    onExit: (listener) => {
      channel.on("exit", listener);
    },
    // ssh2 announces the end of the session when standard output has been read, standard error may be behind.
    onClose: (listener) => {
      channel.once("close", () => {
        if (channel.stderr.readableEnded || channel.stderr.destroyed) listener();
        else channel.stderr.once("close", listener);
      });
    },
    onError: (listener) => {
      channel.on("error", listener);
    },
    kill: () => channel.close(),
    release: () => channel.close(),
  };
}
