import { spawn } from "node:child_process";
import type { OpenShell } from "./drive.ts";

/**
 * Starts a program on this machine as a shell, in a session of its own: Ctrl-C in kbreak's terminal does not end it,
 * it cannot ask for a password there, and it is killed with everything that it started.
 * @param argv The program and its arguments.
 * @param environment All of its environment. Default: kbreak's own.
 * @throws what `spawn` throws for arguments that no process can have.
 */
export function startChild(argv: readonly [string, ...string[]], environment?: NodeJS.ProcessEnv): OpenShell {
  const [file, ...args] = argv;
  const child = spawn(file, args, { detached: true, stdio: "pipe", env: environment ?? process.env });
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    onExit: (listener) => child.once("exit", listener),
    onClose: (listener) => child.once("close", () => listener()),
    onError: (listener) => child.once("error", listener),
    kill: () => {
      if (child.exitCode === null && child.signalCode === null) killGroup(child.pid);
    },
    release: () => {
      child.stdin.destroy();
      child.stdout.destroy();
      child.stderr.destroy();
    },
  };
}

/** Kills a process that leads its group, and the group. A group that is gone already is fine. */
export function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // ESRCH: it ended by itself.
  }
}
