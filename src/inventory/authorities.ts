import { lines, type Shell, sh, trusted } from "../shell.ts";
import { clusterUidFunction, uidFiles } from "./cluster-uid.ts";
import type { Identity } from "./types.ts";

/**
 * Where kubeadm leaves the certificates of a cluster's authorities on a node. All but the last two are on control planes
 * only; `kubeadm reset` and `init` or `join` make each of them anew.
 */
export const authorityFiles = [
  "/etc/kubernetes/pki/front-proxy-ca.crt",
  "/etc/kubernetes/pki/etcd/ca.crt",
  "/etc/kubernetes/pki/ca.crt",
  "/etc/kubernetes/kubelet.conf",
] as const;

/**
 * Defines `authorities FILE…`: prints the SHA-256 of each certificate in the files, a line each, in capital letters.
 * Nothing for what is not there or cannot be read: what a break has damaged tells nothing.
 */
export const authoritiesFunction =
  trusted(String.raw`certificates() { # of standard input: their hashes, as sha256sum prints them
  while read -r line || [ -n "$line" ]; do
    case $line in
      *BEGIN\ CERTIFICATE*) body= ;;
      *END\ CERTIFICATE*) printf %s "$body" | base64 -d | sha256sum ;;
      *) body=${"$"}{body-}$line ;;
    esac
  done
}
authorities() {
  for file in "$@"; do
    case $file in
      *.conf) sed -n 's/^ *certificate-authority-data: *//p' "$file" | while read -r data; do
          printf %s "$data" | base64 -d
          echo
        done | certificates ;;
      *) certificates <"$file" ;;
    esac
  done 2>/dev/null | sed 's/ .*//; y/abcdef/ABCDEF/'
}`);

/** How a script makes sure that its node is still of the cluster that it was. */
export interface ClusterCheck {
  /** SHA-256 of the certificates by which the cluster was known. */
  readonly known: readonly string[];
  /** The files that tell by which it is known now. */
  readonly files: readonly string[];
  /** The uid by which its API server knew it: authorities outlive a cluster that was made anew with them. */
  readonly uid?: string;
}

/**
 * By what the cluster of a node is known: not by what has been changed since, or a changed certificate would keep the undo
 * of its change away.
 * @param changed Paths on the node.
 */
export function clusterCheck(
  { authorities = [], clusterUid }: Pick<Identity, "authorities" | "clusterUid">,
  changed: readonly string[] = [],
): ClusterCheck {
  const isBelow = (path: string, folder: string) => path === folder || path.startsWith(`${folder}/`);
  const files = authorityFiles.filter((file) => !changed.some((path) => isBelow(file, path)));
  const stays = !uidFiles.some((file) => changed.some((path) => isBelow(file, path) || isBelow(path, file)));
  return { known: authorities, files, ...(stays && clusterUid !== undefined ? { uid: clusterUid } : {}) };
}

/**
 * Does `otherwise`, which has to end the script, when the node has certificates of authorities and none of them is known,
 * or when its API server has another uid. It finds in `$seen` the SHA-256 of those, or else that uid. An API server that
 * does not answer keeps nobody away. Leaves the uid in `$kube_uid` when it has asked for it.
 */
export function clusterGuard(check: ClusterCheck | undefined, otherwise: Shell): Shell {
  return check === undefined ? sh`:` : lines(authorityGuard(check, otherwise), uidGuard(check, otherwise));
}

function uidGuard({ uid }: ClusterCheck, otherwise: Shell): Shell {
  if (uid === undefined) return sh`:`;
  return lines(
    clusterUidFunction,
    sh`kube_uid=$(cluster_uid) seen=$kube_uid
[ -z "$seen" ] || [ "$seen" = ${uid} ] || { ${otherwise}; }`,
  );
}

function authorityGuard({ known, files }: ClusterCheck, otherwise: Shell): Shell {
  if (known.length === 0 || files.length === 0) return sh`:`;
  return lines(
    authoritiesFunction,
    sh`seen=$(authorities ${files}) same=
for one in $seen; do
  case ${` ${known.join(" ")} `} in *" $one "*) same=yes ;; esac
done
[ -z "$seen" ] || [ -n "$same" ] || { ${otherwise}; }`,
  );
}
