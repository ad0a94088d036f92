import { lines, type Shell, sh, trusted } from "../shell.ts";

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
export const authoritiesFunction = trusted(String.raw`authorities() {
  for file in "$@"; do
    case $file in
      *.conf) sed -n 's/^ *certificate-authority-data: *//p' "$file" | while read -r data; do
          printf %s "$data" | base64 -d
          echo
        done ;;
      *) cat "$file"; echo ;;
    esac
  done 2>/dev/null | while read -r line; do
    case $line in
      *BEGIN\ CERTIFICATE*) body= ;;
      *END\ CERTIFICATE*) printf %s "$body" | base64 -d 2>/dev/null | sha256sum | cut -d' ' -f1 | tr a-f A-F ;;
      *) body=${"$"}{body-}$line ;;
    esac
  done
}`);

/** How a script makes sure that its node is still of the cluster that it was. */
export interface ClusterCheck {
  /** SHA-256 of the certificates by which the cluster was known. */
  readonly known: readonly string[];
  /** The files that tell by which it is known now. */
  readonly files: readonly string[];
}

/**
 * Does `otherwise`, which has to end the script, when the node has certificates of authorities and none of them is known.
 * It finds their SHA-256 in `$seen`.
 */
export function clusterGuard(check: ClusterCheck | undefined, otherwise: Shell): Shell {
  const { known, files } = check ?? { known: [], files: [] };
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
