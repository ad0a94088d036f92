import { RemoteError } from "../errors.ts";
import type { Facts } from "../facts.ts";
import { authoritiesFunction, authorityFiles } from "../inventory/authorities.ts";
import { clusterUidFunction } from "../inventory/cluster-uid.ts";
import { apiLibrary } from "../operations/api-library.ts";
import { moduleLibrary } from "../operations/module-library.ts";
import { lines, type Shell, sh, trusted } from "../shell.ts";
import { type Frame, parseLines, shellFunction } from "./script.ts";

// To start a program takes longer than most of them run, so the shell does what it can do by itself.
const library = trusted(String.raw`
facts_node() {
  facts_line machine-id /etc/machine-id
  facts_line boot-id /proc/sys/kernel/random/boot_id
  facts_line hostname /proc/sys/kernel/hostname
  facts_line kernel /proc/sys/kernel/osrelease
  put own-kernel "$(own_kernel)"
  ( . /etc/os-release; put id "${"$"}{ID-}"; put version "${"$"}{VERSION_ID-}"; put name "${"$"}{PRETTY_NAME-}" )
  if [ -e /etc/kubernetes/manifests/kube-apiserver.yaml ]; then put role control-plane; else put role worker; fi
  ip -o route show default 2>/dev/null | facts_way
  set -f
  facts_words units $(facts_units)
  put ssh "${"$"}{SSH_CONNECTION-}"
  facts_words authorities $(facts_authorities | sort -u)
  set +f
  # The guard before this may have asked already.
  put cluster-uid "${"$"}{kube_uid-$(cluster_uid)}"
  facts_etcd
}
facts_line() { # name file
  line=
  read -r line <"$2" || :
  put "$1" "$line"
}
facts_words() { # name word...
  name=$1; shift
  put "$name" "$*"
}
facts_way() { # of default routes, a line each: what the first says
  device= gateway=
  while read -r route; do
    case $device,$route in ,*' dev '*) device=${"$"}{route##* dev }; device=${"$"}{device%% *} ;; esac
    case $gateway,$route in ,*' via '*) gateway=${"$"}{route##* via }; gateway=${"$"}{gateway%% *} ;; esac
  done
  put device "$device"
  put gateway "$gateway"
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
    shown=$(systemctl show -p EnvironmentFiles -p Environment "$unit" || :)
    file=$(printf '%s\n' "$shown" | sed -n 's/^EnvironmentFiles=\([^ ]*\).*/\1/p')
    put etcd-settings "${"$"}{file:-/etc/default/etcd}"
    if [ -n "$file" ]; then data=$(sed -n 's/^ETCD_DATA_DIR="\{0,1\}\([^"]*\)"\{0,1\}$/\1/p' "$file")
    else data=$(printf '%s\n' "$shown" | sed -n 's/^Environment=\(.* \)\{0,1\}ETCD_DATA_DIR=\([^ ]*\).*/\2/p')
    fi
  elif [ -e /etc/kubernetes/manifests/etcd.yaml ]; then
    put etcd static-pod
    put etcd-settings /etc/kubernetes/manifests/etcd.yaml
    data=$(sed -n 's/.*--data-dir=//p' /etc/kubernetes/manifests/etcd.yaml)
  else return 0
  fi
  put etcd-bytes "$(stat -c %s -- "${"$"}{data:-/var/lib/etcd}/member/snap/db" 2>/dev/null || echo 0)"
}
facts_programs() { # name...: the paths of those that are there
  paths=$(for name; do command -v -- "$name" 2>/dev/null || echo -; done)
  names= found=
  for path in $paths; do
    if [ "$path" != - ]; then names="$names $1" found="$found $path"; fi
    shift
  done
  if [ -z "$names" ]; then return 0; fi
  readlink -f -- $found 2>/dev/null | for name in $names; do
    read -r path || path=
    put program "$name $path"
  done
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
    sh`facts_programs ${programs}`,
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
