import { RemoteError } from "../errors.ts";
import type { Facts } from "../facts.ts";
import { authoritiesFunction, authorityFiles } from "../inventory/authorities.ts";
import { clusterUidFunction } from "../inventory/cluster-uid.ts";
import { apiLibrary } from "../operations/api-library.ts";
import { moduleLibrary } from "../operations/module-library.ts";
import { lines, type Shell, sh, trusted } from "../shell.ts";
import { type Frame, parseLines, shellFunction } from "./script.ts";

const library = trusted(String.raw`
facts_node() {
  put machine-id "$(cat /etc/machine-id)"
  put boot-id "$(cat /proc/sys/kernel/random/boot_id)"
  put hostname "$(hostname)"
  put kernel "$(uname -r)"
  put own-kernel "$(own_kernel)"
  ( . /etc/os-release; put id "${"$"}{ID-}"; put version "${"$"}{VERSION_ID-}"; put name "${"$"}{PRETTY_NAME-}" )
  if [ -e /etc/kubernetes/manifests/kube-apiserver.yaml ]; then put role control-plane; else put role worker; fi
  put device "$(ip -o route show default 2>/dev/null | sed -n 's/.* dev \([^ ]*\).*/\1/p' | head -n 1)"
  put gateway "$(ip -o route show default 2>/dev/null | sed -n 's/.* via \([^ ]*\).*/\1/p' | head -n 1)"
  put units "$(facts_units | tr '\n' ' ')"
  put ssh "${"$"}{SSH_CONNECTION-}"
  put authorities "$(facts_authorities | sort -u | tr '\n' ' ')"
  # The guard before this may have asked already.
  put cluster-uid "${"$"}{kube_uid-$(cluster_uid)}"
  facts_etcd
}
facts_units() {
  systemctl list-units --type=service,timer --state=active,activating,reloading --full --plain --no-legend --no-pager 2>/dev/null |
    sed 's/ .*//'
}
facts_etcd() {
  pki=/etc/kubernetes/pki/etcd
  [ -e "$pki/ca.crt" ] || return 0
  unit=
  for name in etcd.service etcd-server.service; do
    if systemctl -q is-active "$name" 2>/dev/null; then unit=$name; break; fi
  done
  if [ -n "$unit" ]; then
    put etcd systemd
    put etcd-unit "$unit"
    file=$(systemctl show -p EnvironmentFiles --value "$unit" | cut -d' ' -f1)
    put etcd-settings "${"$"}{file:-/etc/default/etcd}"
    data=$(systemctl show -p Environment --value "$unit" | tr ' ' '\n' | sed -n 's/^ETCD_DATA_DIR=//p')
    [ -z "$file" ] || data=$(sed -n 's/^ETCD_DATA_DIR="\{0,1\}\([^"]*\)"\{0,1\}$/\1/p' "$file")
  elif [ -e /etc/kubernetes/manifests/etcd.yaml ]; then
    put etcd static-pod
    put etcd-settings /etc/kubernetes/manifests/etcd.yaml
    data=$(sed -n 's/.*--data-dir=//p' /etc/kubernetes/manifests/etcd.yaml)
  else return 0
  fi
  put etcd-bytes "$(stat -c %s -- "${"$"}{data:-/var/lib/etcd}/member/snap/db" 2>/dev/null || echo 0)"
}
facts_program() { # name
  if path=$(command -v -- "$1" 2>/dev/null); then put program "$1 $(readlink -f -- "$path")"; fi
}
facts_file() { # path
  if [ -f "$1" ] && [ "$(stat -c %s -- "$1")" -le 4194304 ]; then put file "$(b64 < "$1")"; fi
}
`);

export interface FactsRequest {
  readonly programs: readonly string[];
  readonly files: readonly string[];
  /** True: whether the API answers. */
  readonly api: boolean;
  /** Paths of the API. */
  readonly objects: readonly string[];
}

/** The script that reads the facts; its answer goes to {@link parseFacts}. */
export function factsScript(request: FactsRequest): Shell {
  const files = request.files.map(
    (path, index) => sh`begin ${index} file
( facts_file ${path} )
end ${index} file 0`,
  );
  const objects = request.objects.map(
    (path, index) => sh`begin ${index} object
[ "$API" = down ] || administer get --raw ${path} 2>/dev/null | b64
end ${index} object 0`,
  );
  return lines(
    moduleLibrary,
    authoritiesFunction,
    clusterUidFunction,
    shellFunction("facts_authorities", sh`authorities ${authorityFiles}`),
    programsScript(request.programs),
    trusted("frame 0 facts facts_node"),
    ...files,
    ...(request.api || objects.length > 0
      ? [apiLibrary, sh`begin 0 api; put answers "$API"; end 0 api 0`, ...objects]
      : []),
  );
}

/** The script that tells which of these programs are there; its answer goes to {@link programsFrom}. */
export function programsScript(programs: readonly string[]): Shell {
  return lines(
    library,
    trusted("begin 0 programs"),
    ...programs.map((name) => sh`facts_program ${name}`),
    trusted("end 0 programs 0"),
  );
}

/** The programs that are there, of those that were asked for, with their paths. */
export function programsFrom(frames: readonly Frame[]): Facts["programs"] {
  const found = frames.find(({ name }) => name === "programs")?.lines ?? [];
  const lines = found.flatMap((line) =>
    line.startsWith("=program ") ? [line.slice("=program ".length)] : [],
  );
  return Object.fromEntries(
    lines.map((line) => {
      const space = line.indexOf(" ");
      return [line.slice(0, space), line.slice(space + 1)];
    }),
  );
}

export interface FactsContext {
  readonly node: string;
  readonly roles: Facts["roles"];
  readonly keepPorts: readonly number[];
}

/**
 * @throws RemoteError when the node did not answer what every Linux node can.
 */
export function parseFacts(frames: readonly Frame[], request: FactsRequest, context: FactsContext): Facts {
  const part = (name: string, index = 0) =>
    frames.find((f) => f.name === name && f.index === index)?.lines ?? [];
  const found = parseLines(part("facts"), "=");
  const machineId = found["machine-id"];
  if (!machineId || !found["boot-id"])
    throw new RemoteError(
      `${context.node} did not say what machine it is: /etc/machine-id could not be read`,
      {
        target: context.node,
      },
    );
  const sshPort = Number(found.ssh?.split(" ")[3]);
  const files = request.files.flatMap((path, index) => {
    const content = parseLines(part("file", index), "=").file;
    return content === undefined ? [] : [[path, Buffer.from(content, "base64").toString("utf8")] as const];
  });
  const objects = request.objects.flatMap((path, index) => {
    const answer = Buffer.from(part("object", index).join(""), "base64").toString("utf8");
    return answer === "" ? [] : [[path, JSON.parse(answer) as unknown] as const];
  });
  return {
    machineId,
    bootId: found["boot-id"],
    authorities: words(found.authorities),
    ...(found["cluster-uid"] ? { clusterUid: found["cluster-uid"] } : {}),
    hostname: found.hostname ?? "",
    distribution: { id: found.id ?? "", version: found.version ?? "", name: found.name ?? "" },
    kernel: found.kernel ?? "",
    ownKernel: found["own-kernel"] === "yes",
    roles:
      context.roles.length > 0
        ? context.roles
        : [found.role === "control-plane" ? "control-plane" : "worker"],
    programs: programsFrom(frames),
    activeUnits: words(found.units),
    ...etcdOf(found),
    ...(found.device ? { device: found.device } : {}),
    ...(found.gateway ? { gateway: found.gateway } : {}),
    ...(sshPort > 0 ? { sshPort } : {}),
    spare: [...new Set([...(sshPort > 0 ? [sshPort] : [22]), ...context.keepPorts])],
    files: Object.fromEntries(files),
    apiAnswers: parseLines(part("api"), "=").answers === "up",
    objects: Object.fromEntries(objects),
  };
}

const words = (text = "") => text.split(" ").filter((word) => word !== "");

/** kubeadm puts etcd's certificates there, whether etcd runs as a static pod or as a unit. */
const PKI = "/etc/kubernetes/pki/etcd";

function etcdOf(found: Readonly<Record<string, string>>): Pick<Facts, "etcd"> {
  const runs = found.etcd;
  if (runs !== "systemd" && runs !== "static-pod") return {};
  return {
    etcd: {
      runs,
      client: {
        via: runs === "systemd" ? "host" : "container",
        endpoint: "https://127.0.0.1:2379",
        cacert: `${PKI}/ca.crt`,
        cert: `${PKI}/healthcheck-client.crt`,
        key: `${PKI}/healthcheck-client.key`,
      },
      settings: found["etcd-settings"] ?? "",
      ...(found["etcd-unit"] ? { unit: found["etcd-unit"] } : {}),
      bytes: Number(found["etcd-bytes"] ?? 0),
    },
  };
}
