import { type ExecFileException, execFile } from "node:child_process";
import { ConnectError, type KbreakError, messageOf, PreconditionError, UsageError } from "../errors.ts";
import { didYouMean } from "../schema.ts";
import type { Role } from "./types.ts";
import { inventoryName, inventoryText } from "./write.ts";

/** kind's labels. */
const CLUSTER = "io.x-k8s.kind.cluster";
const ROLE = "io.x-k8s.kind.role";

/**
 * The inventory of a kind cluster's nodes, as YAML: containers of the Docker that the `docker` command speaks with.
 * @param cluster As `kind create cluster --name` was told. Default: kind.
 * @throws ConnectError without a Docker that answers, UsageError when it has no such cluster, PreconditionError when the
 * cluster is stopped.
 */
export async function importKind(cluster = "kind", name?: string): Promise<string> {
  const containers = await docker([
    ...["ps", "--all", "--filter", `label=${CLUSTER}`],
    ...["--format", `{{.Names}}\t{{.State}}\t{{.Label "${CLUSTER}"}}\t{{.Label "${ROLE}"}}`],
  ]);
  const all = containers.map((line) => {
    const [container = "", state = "", owner = "", role = ""] = line.split("\t");
    return { container, state, owner, role };
  });
  const members = all.filter(({ owner }) => owner === cluster);
  if (members.length === 0) throw unknownCluster(cluster, [...new Set(all.map(({ owner }) => owner))]);
  const stopped = members.filter(({ state }) => state !== "running").map(({ container }) => container);
  if (stopped.length > 0)
    throw new PreconditionError(`not running: ${stopped.join(", ")}`, {
      hint: `docker start ${stopped.join(" ")}`,
    });
  // Beside the nodes there may be a load balancer, which is none.
  const nodes = members
    .flatMap(({ container, role }) => (isRole(role) ? [{ container, role }] : []))
    .toSorted((one, other) => one.container.localeCompare(other.container));
  return inventoryText("Made by kbreak inventory import kind.", {
    name: name ?? inventoryName(cluster),
    defaults: { command: "docker exec -i {name} sh -s" },
    nodes: Object.fromEntries(nodes.map(({ container, role }) => [container, { roles: [role] }])),
    clusters: { [inventoryName(cluster)]: { nodes: nodes.map(({ container }) => container) } },
  });
}

const isRole = (text: string): text is Role => text === "control-plane" || text === "worker";

function unknownCluster(cluster: string, known: readonly string[]): UsageError {
  const message = `Docker has no nodes of a kind cluster \`${cluster}\`${didYouMean(cluster, known)}`;
  const hint =
    known.length === 0
      ? `kind create cluster --name ${cluster}`
      : `kbreak inventory import kind ${known.join("|")}`;
  return new UsageError(message, { hint });
}

/** A daemon that hangs must not hang us. Milliseconds. */
const DEADLINE = 20_000;

function docker(args: readonly string[]): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    execFile("docker", args, { timeout: DEADLINE }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout.split("\n").filter((line) => line !== ""));
      else reject(dockerError(error, stderr));
    });
  });
}

function dockerError(error: ExecFileException, stderr: string): KbreakError {
  const hint = "`docker ps` must work here: kind's nodes are its containers";
  if (error.code === "ENOENT")
    return new PreconditionError("the program `docker` is not installed here", { hint, cause: error });
  const why = error.killed ? `no answer within ${DEADLINE / 1000} s` : stderr.trim() || messageOf(error);
  return new ConnectError(`docker does not answer: ${why}`, { hint, cause: error });
}
