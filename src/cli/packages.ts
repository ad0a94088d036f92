import type { NodeReport } from "../engine/examine.ts";

/** Debian's package for each program that a break may need on a node. */
const packages: Readonly<Record<string, string>> = {
  base64: "coreutils",
  chattr: "e2fsprogs",
  crictl: "cri-tools",
  etcdctl: "etcd-client",
  flock: "util-linux",
  grep: "grep",
  kubectl: "kubectl",
  lsattr: "e2fsprogs",
  ping: "iputils-ping",
  setfattr: "attr",
  setsid: "util-linux",
  systemctl: "systemd",
  tc: "iproute2",
  unshare: "util-linux",
};

/** The command that installs what is missing on a node, behind the node's name; none when nothing is. */
export function installHints({ node, distribution, breaks }: NodeReport): readonly string[] {
  const missing = breaks.flatMap(
    ({ reason }) => /^missing on the node: (.*)$/.exec(reason ?? "")?.[1]?.split(", ") ?? [],
  );
  if (missing.length === 0) return [];
  const programs = [...new Set(missing)].sort();
  if (distribution !== "debian" && distribution !== "ubuntu")
    return [`${node}: install what brings ${programs.join(", ")}`];
  const names = new Set(programs.map((program) => packages[program] ?? program));
  return [`${node}: apt-get install -y --no-install-recommends ${[...names].sort().join(" ")}`];
}
