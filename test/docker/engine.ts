import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vi } from "vitest";
import { messageOf } from "../../src/errors.ts";
import { attempt, type Ran, run } from "../../src/lab/command.ts";
import { cgroupRoot, killCgroup, start } from "../../src/lab/host/cgroup.ts";
import { type Hierarchy, hierarchies, makeGroups, removeGroups } from "../../src/lab/host/hierarchies.ts";
import { quote } from "../../src/shell.ts";
import { dockerPrograms } from "./programs.ts";

/** A Docker engine of the test's own. */
export interface Engine {
  /** What a process needs to speak with it by the plain word `docker`. */
  readonly env: { readonly PATH: string; readonly DOCKER_HOST: string };
  /** Runs `docker WORDS…`. @throws when it fails. */
  docker(...words: readonly string[]): Promise<string>;
  attempt(...words: readonly string[]): Promise<Ran>;
  /** Makes an image of the files below folders, of which each hides what is the same in those before it. */
  image(folders: readonly string[], name: string, ...changes: readonly string[]): Promise<void>;
  /** Puts the files below a folder into a container. */
  copy(folder: string, container: string): Promise<void>;
  /** Ends all of it, and leaves nothing. */
  end(): Promise<void>;
}

export interface EngineWish {
  /**
   * Bytes that all of it may have. With them also the hierarchies of cgroup v1, where this host has them: the kubelet
   * needs their controllers.
   */
  readonly memory?: number;
}

/** Why no engine can be started here, or the engine. */
export async function startEngine({ memory }: EngineWish = {}): Promise<Engine | string> {
  const root = cgroupRoot();
  if (process.getuid?.() !== 0 || root === undefined) return "it takes root and cgroup2";
  let programs: string;
  try {
    programs = await dockerPrograms();
  } catch (error) {
    return `Debian's docker.io cannot be had: ${messageOf(error)}`;
  }
  await clear(root);
  const name = `${prefix}${process.pid}`;
  const [folder, cgroup] = [join(tmpdir(), name), join(root, name)];
  mkdirSync(folder);
  const env = {
    PATH: `${programs}/usr/bin:${programs}/usr/sbin:${process.env.PATH ?? ""}:/usr/sbin:/sbin`,
    DOCKER_HOST: `unix://${folder}/docker.sock`,
  };
  const withEnv = (...argv: readonly string[]) => [
    "env",
    ...Object.entries(env).map(([name, value]) => `${name}=${value}`),
    ...argv,
  ];
  const old = memory === undefined ? [] : hierarchies();
  const groups = memory === undefined ? [] : makeGroups(name, memory);
  const hadModules = existsSync(modules);
  const end = async () => {
    await killCgroup(cgroup);
    if (!hadModules && existsSync(modules)) rmdirSync(modules);
    if (memory !== undefined) await removeGroups(name);
    rmSync(folder, { recursive: true, force: true });
  };
  const log = openSync(join(folder, "log"), "w");
  const script = join(folder, "start.sh");
  writeFileSync(script, startScript(folder, runtime(folder, `${programs}/usr/sbin/runc`), old));
  const spaces = ["--mount", "--propagation", "private", "--net", "--cgroup", "--ipc"];
  const joined = 'while [ "$1" != -- ]; do echo 0 >"$1/cgroup.procs"; shift; done; shift; exec "$@"';
  const member = ["sh", "-c", joined, "sh", ...groups, "--"];
  start(cgroup, withEnv(...member, "unshare", ...spaces, "sh", script), log);
  closeSync(log);
  const engine: Engine = {
    env,
    docker: (...words) => run(withEnv("docker", ...words)),
    attempt: (...words) => attempt(withEnv("docker", ...words)),
    async image(folders, name, ...changes) {
      // Docker takes no archive in which a path comes twice.
      const lower = folders.toReversed().join(":");
      const merged = `mount -t overlay -o ro,lowerdir=${quote(lower)} overlay /mnt && tar -C /mnt -c .`;
      const tree =
        folders.length > 1
          ? `unshare --mount --propagation private sh -c ${quote(merged)}`
          : `tar -C ${quote(lower)} -c .`;
      const words = changes.flatMap((change) => ["--change", quote(change)]).join(" ");
      await run(withEnv("sh", "-c", `${tree} | docker import ${words} - ${quote(name)}`));
    },
    async copy(from, container) {
      await run(withEnv("sh", "-c", 'tar -C "$1" -c . | docker cp - "$2":/', "sh", from, container));
    },
    end,
  };
  try {
    await vi.waitFor(() => engine.docker("version"), { timeout: 30_000, interval: 200 });
    return engine;
  } catch {
    const said = readFileSync(join(folder, "log"), "utf8").trim().split("\n").slice(-3).join("; ");
    await end();
    return `dockerd does not start: ${said}`;
  }
}

const prefix = "kbreak-docker-";

/** kind shows it to its nodes, and Docker makes a folder of what is not there. */
const modules = "/lib/modules";

/** Ends what a killed test run has left. */
async function clear(root: string): Promise<void> {
  for (const folder of [root, tmpdir()]) {
    const left = readdirSync(folder).filter((name) => name.startsWith(prefix));
    for (const name of left.filter((each) => !existsSync(`/proc/${each.slice(prefix.length)}`))) {
      if (folder === root) await killCgroup(join(root, name));
      else rmSync(join(folder, name), { recursive: true, force: true });
    }
  }
}

/**
 * In namespaces of its own: only its own cgroups, networks and mounts. What it would write into the host's folders goes
 * into memory.
 */
function startScript(folder: string, runc: string, old: readonly Hierarchy[]): string {
  return `set -e
umount -R /sys/fs/cgroup
${old.length === 0 ? onlyCgroup2 : mixedCgroups(old)}
for folder in /run /opt; do mount -t tmpfs tmpfs "$folder"; done
mkdir ${folder}/etc ${folder}/etc-work
mount -t overlay -o lowerdir=/etc,upperdir=${folder}/etc,workdir=${folder}/etc-work overlay /etc
ip link set lo up
cd /
exec dockerd --data-root ${folder}/data --exec-root ${folder}/exec -H unix://${folder}/docker.sock -p ${folder}/pid \\
  --exec-opt native.cgroupdriver=cgroupfs --bip 10.77.0.1/24 --iptables=false --ip6tables=false --userland-proxy=false \\
  --add-runtime ours=${quote(runc)} --default-runtime ours
`;
}

const onlyCgroup2 = `mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir /sys/fs/cgroup/daemon
echo 0 > /sys/fs/cgroup/daemon/cgroup.procs`;

const mixedCgroups = (old: readonly Hierarchy[]) =>
  [
    "mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup",
    "mkdir /sys/fs/cgroup/unified && mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified",
    ...old.map(
      ({ name, options }) =>
        `mkdir /sys/fs/cgroup/${name} && mount -t cgroup -o ${options} cgroup /sys/fs/cgroup/${name}`,
    ),
  ].join("\n");

/** Docker gives privileged containers every right, and runc fails for one that root lacks itself, as in a sandbox. */
function runtime(folder: string, runc: string): string {
  const bounding = /^CapBnd:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
  const lacks = (bit: bigint) => (BigInt(`0x${bounding}`) & (1n << bit)) === 0n;
  const missing = Object.entries(rights).flatMap(([name, bit]) => (lacks(bit) ? [name] : []));
  const edits = missing.flatMap((name) => [`-e 's/"${name}",//g'`, `-e 's/,"${name}"//g'`]);
  const file = join(folder, "runtime");
  const drop = edits.length === 0 ? ":" : `sed -i ${edits.join(" ")} "$1"`;
  writeFileSync(
    file,
    `#!/bin/sh
drop() { ${drop}; }
previous=
for word do
  case $previous in
  --bundle|-b) drop "$word/config.json" ;;
  --process|-p) drop "$word" ;;
  esac
  previous=$word
done
exec ${quote(runc)} "$@"
`,
    { mode: 0o755 },
  );
  return file;
}

/** Those that sandboxes take away, by their number in linux/capability.h. */
const rights: Readonly<Record<string, bigint>> = {
  CAP_SYS_MODULE: 16n,
  CAP_SYS_RAWIO: 17n,
  CAP_SYS_BOOT: 22n,
  CAP_SYS_RESOURCE: 24n,
  CAP_SYS_TIME: 25n,
  CAP_MAC_OVERRIDE: 32n,
  CAP_MAC_ADMIN: 33n,
  CAP_SYSLOG: 34n,
  CAP_WAKE_ALARM: 35n,
  CAP_BLOCK_SUSPEND: 36n,
  CAP_AUDIT_READ: 37n,
  CAP_PERFMON: 38n,
  CAP_BPF: 39n,
  CAP_CHECKPOINT_RESTORE: 40n,
};
