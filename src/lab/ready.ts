import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { KbreakError } from "../errors.ts";
import { attempt } from "./command.ts";
import { readIfThere } from "./file.ts";
import { consoleLog } from "./node-files.ts";
import type { LabNode } from "./nodes.ts";
import { sshCommand } from "./ssh.ts";
import type { Lab } from "./types.ts";

const limit = 120_000;

/** True when an ssh server greets on this port of 127.0.0.1. */
export function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(2_000, () => end(false));
    socket.once("data", (data) => end(data.toString("latin1").startsWith("SSH-")));
    socket.once("error", () => end(false));
    socket.once("close", () => end(false));
  });
}

/**
 * Waits until the node takes a login and has finished its start: systemd has no job left, so that etcd, whose unit
 * tells when it serves, does, and nothing of the start is still changing the node.
 * @throws KbreakError after two minutes.
 */
export async function waitUntilReady(lab: Lab, node: LabNode): Promise<void> {
  const end = Date.now() + limit;
  let last = "no ssh server answers";
  while (Date.now() < end) {
    if (await greets(lab.ports[node.name] ?? 0)) {
      const wait = [...sshCommand(lab, node.name), "systemctl is-system-running --wait"];
      const { stdout, stderr } = await attempt(wait);
      // `degraded` says that a unit failed, as on a node that was broken before it was started again.
      if (/^(running|degraded)$/m.test(stdout)) return;
      last = (stdout + stderr).trim();
    }
    await sleep(20);
  }
  const said = (readIfThere(consoleLog(lab, node)) ?? "").trim().split("\n").slice(-10).join("\n");
  throw new KbreakError(
    `node ${node.name} of lab ${lab.name} did not come up in ${limit / 1000} s: ${last}${said && `\n${said}`}`,
    { target: node.name, hint: `kbreak lab down --name ${lab.name} && kbreak lab up --name ${lab.name}` },
  );
}
