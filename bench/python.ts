import { join } from "node:path";
import { run } from "../src/lab/command.ts";
import type { Peers } from "./peers.ts";

/** Debian's packages of the Python that Ansible needs on a node; the practice nodes have none. */
const packages = ["python3-minimal", "libpython3-stdlib"];

/** Parts of the library that no module of Ansible's loads. */
const needless = /\/(test|tests|lib2to3|idlelib|ensurepip|pydoc_data)\//;

/** The files of those packages on this host, for which their own Python is found behind them. */
async function files(): Promise<readonly string[]> {
  const found = await run(["dpkg-query", "-s", ...packages]);
  const versioned = found.match(/(lib)?python3\.\d+-(minimal|stdlib)/g) ?? [];
  const minimal = versioned.filter((name) => name.endsWith("minimal")).map((name) => `lib${name}`);
  const listed = await run(["dpkg-query", "-L", ...packages, ...new Set([...versioned, ...minimal])]);
  return listed.split("\n").filter((path) => /^\/usr\/(bin|lib)\//.test(path) && !needless.test(path));
}

/** Gives each node the Python of this host, which is the one that its ansible-core was made for. */
export async function installPython({ names, sshConfig }: Peers, folder: string): Promise<void> {
  const archive = join(folder, "python.tar");
  await run(["tar", "-cf", archive, "-C", "/", "--no-recursion", "-T", "-"], {
    input: (await files()).map((path) => `${path.slice(1)}\n`).join(""),
  });
  const copy = `for node in "$@"; do ssh -F "$config" "$node" tar -xf - -C / <"$archive" || exit 1; done`;
  await run(["sh", "-c", `config=$1 archive=$2; shift 2; ${copy}`, "sh", sshConfig, archive, ...names]);
}
