import { randomBytes } from "node:crypto";
import { PreconditionError, RemoteError } from "../errors.ts";
import { sh } from "../shell.ts";
import type { Connection } from "../transport/transport.ts";
import { authoritiesFunction, authorityFiles } from "./authorities.ts";
import { clusterUidFunction } from "./cluster-uid.ts";
import { containerIdFunction } from "./container-id.ts";
import type { Identity } from "./types.ts";

const DEADLINE = 15_000;

/**
 * Reads what makes the node at the other end the machine that it is. Changes nothing there.
 * @throws RemoteError when there is no answer, PreconditionError when the node has no machine-id.
 */
export async function identify(connection: Connection): Promise<Identity> {
  // Start-up files of the login shell may print anything before the answer.
  const marker = randomBytes(8).toString("hex");
  const script = sh`{ ${containerIdFunction}
${authoritiesFunction}
${clusterUidFunction}
printf '\n%s %s %s %s %s\n' ${marker} "$(container_id 2>/dev/null)" "$(cat /etc/machine-id 2>/dev/null)" "$(cluster_uid)" \
  "$(authorities ${authorityFiles} | sort -u | tr '\n' ' ')"; exit 0; }`;
  const outcome = await connection.run(`${script.shell}\n`, { deadline: DEADLINE });
  const target = connection.node;
  const answer = outcome.stdout.split("\n").find((line) => line.startsWith(`${marker} `));
  if (answer === undefined) {
    const why = outcome.kind === "unknown" ? outcome.detail : outcome.stderr.trim();
    throw new RemoteError(`${target} did not say its machine-id: ${why}`, { target });
  }
  const [containerId = "", machineId = "", clusterUid = "", ...authorities] = answer
    .slice(marker.length + 1)
    .trimEnd()
    .split(" ");
  const cluster = {
    ...(authorities.length === 0 ? {} : { authorities }),
    ...(clusterUid === "" ? {} : { clusterUid }),
  };
  if (containerId !== "") return { ...hostKeyOf(connection), machineId, containerId, ...cluster };
  if (!/^[0-9a-f]{32}$/.test(machineId)) {
    throw new PreconditionError(`${target} has no machine-id, so it cannot be told from other machines`, {
      target,
      hint: `on ${target}, type: systemd-machine-id-setup`,
    });
  }
  return { ...hostKeyOf(connection), machineId, ...cluster };
}

const hostKeyOf = ({ hostKey }: Connection) => (hostKey === undefined ? {} : { hostKey });
