import { randomBytes } from "node:crypto";
import { messageOf, RemoteError } from "../../errors.ts";
import { type Shell, sh } from "../../shell.ts";
import type { Connection } from "../../transport/transport.ts";
import { type Seen, sectionsOf } from "../seen.ts";
import type { Fingerprint } from "../types.ts";
import { type Resource, resourcesOf } from "./discovery.ts";
import { entriesOfList } from "./objects.ts";
import { volatileResources } from "./volatile.ts";

/** One answer of the API server. */
interface Answer {
  /** 0 when there was none. */
  readonly status: number;
  readonly body: string;
}

/** Aggregated discovery: two answers for all groups (Kubernetes 1.30 and later). */
const DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/** Exit code of a script on a node that is to have no API server, or no kubelet to run it. */
const NO_API_SERVER = 9;

/**
 * Asks the node's own API server, all paths over one connection, with the certificate of the administrator's kubeconfig:
 * of the super administrator's, which kubeadm makes since 1.29 and nobody works with, where there is one. A kubeconfig
 * that a break has given a credential helper has no certificate in it, and no helper is run. The key goes to curl by a
 * pipe, so that no file holds it. The server's own certificate names `kubernetes`, and not always 127.0.0.1.
 */
function ask(paths: readonly string[], accept: string, marker: string): Shell {
  return sh`
manifest=/etc/kubernetes/manifests/kube-apiserver.yaml
[ -e "$manifest" ] && systemctl -q is-active kubelet.service || exit ${NO_API_SERVER}
port=$(sed -n 's/.*--secure-port=\([0-9]*\).*/\1/p' "$manifest")
[ -n "$port" ] || port=6443
conf=/etc/kubernetes/super-admin.conf
[ -e "$conf" ] || conf=/etc/kubernetes/admin.conf
field() { sed -n "s/^ *$1: *//p" "$conf" | head -n 1 | base64 -d; }
cert=$(field client-certificate-data)
key=$(field client-key-data)
[ -n "$cert" ] && [ -n "$key" ] || { echo "$conf has no client certificate" >&2; exit 1; }
for path in ${paths}; do printf 'url = "https://kubernetes:%s%s"\n' "$port" "$path"; done |
  curl --silent --show-error --globoff --max-time 30 --config - --resolve "kubernetes:$port:127.0.0.1" \
    --cacert /etc/kubernetes/pki/ca.crt --cert /dev/fd/3 --key /dev/fd/4 \
    --header ${`Accept: ${accept}`} --write-out ${`\\n${marker} %{http_code}\\n`} 3<<CERT 4<<KEY
$cert
CERT
$key
KEY
`;
}

async function answersTo(
  connection: Connection,
  paths: readonly string[],
  accept: string,
  deadline: number,
): Promise<readonly Answer[] | undefined> {
  const marker = randomBytes(12).toString("hex");
  const target = connection.node;
  const outcome = await connection.run(ask(paths, accept, marker).shell, { deadline });
  if (outcome.kind === "exited" && outcome.code === NO_API_SERVER) return undefined;
  const parts = outcome.stdout.split(new RegExp(`\\n${marker} (\\d+)\\n`));
  const answers = paths.map((_, index) => ({
    status: Number(parts[2 * index + 1] ?? 0),
    body: parts[2 * index] ?? "",
  }));
  if (answers.some(({ status }) => status === 0)) {
    const why = outcome.kind === "unknown" ? outcome.detail : outcome.stderr.trim().split("\n").at(-1);
    throw new RemoteError(`the API server of ${target} does not answer: ${why}`, {
      target,
      hint: `on ${target}: curl -k https://127.0.0.1:6443/readyz?verbose`,
    });
  }
  return answers;
}

function see({ name }: Resource, { status, body }: Answer): Seen {
  if (status !== 200) return { section: name, reason: `the API server answers ${status}` };
  return { name, entries: entriesOfList(name, body) };
}

/**
 * Looks at all objects of the cluster whose API server runs on this node: specs, and the metadata that people set. Reads
 * only, in two round trips. A resource that the server does not list is no error: it is in `skipped`.
 * @param deadline Milliseconds for each round trip. Default 60 000.
 * @returns `undefined` for a node that is to run no API server.
 * @throws RemoteError when the API server does not answer, or not as one.
 */
export async function clusterFingerprint(
  connection: Connection,
  deadline = 60_000,
): Promise<Fingerprint | undefined> {
  const takenAt = new Date().toISOString();
  try {
    const found = await answersTo(connection, ["/api", "/apis"], DISCOVERY, deadline);
    if (found === undefined) return undefined;
    const resources = resourcesOf(found.map(({ body }) => body)).filter(
      ({ name }) => !Object.hasOwn(volatileResources, name),
    );
    const paths = resources.map(({ path }) => path);
    const answers = (await answersTo(connection, paths, "application/json", deadline)) ?? [];
    const seen = resources.map((resource, index) => see(resource, answers[index] ?? { status: 0, body: "" }));
    return {
      version: 1,
      node: connection.node,
      takenAt,
      ...sectionsOf(seen),
    };
  } catch (cause) {
    if (cause instanceof RemoteError) throw cause;
    throw new RemoteError(
      `the look at the cluster of ${connection.node} cannot be read: ${messageOf(cause)}`,
      {
        target: connection.node,
        hint: "try again; if it stays so, report it with the cluster's version",
        cause,
      },
    );
  }
}
