import { existsSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { PreconditionError } from "../../errors.ts";
import { cacheFolder } from "../folders.ts";

/** Programs that nodes have in `/usr/bin`. */
export const nodePrograms = [
  ...["kubelet", "kubeadm", "kubectl", "containerd", "containerd-shim-runc-v2", "ctr", "crictl"],
  ...["etcdctl", "etcdutl"],
] as const;

/** Programs that nodes have in container images. */
export const containedPrograms = [
  ...["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "etcd", "coredns"],
] as const;

/** Plugins that nodes have in `/opt/cni/bin`. */
export const cniPlugins = ["bridge", "host-local", "loopback", "portmap"] as const;

/** The files of a folder of programs, relative to it. */
export const programFiles: readonly string[] = [
  ...[...nodePrograms, ...containedPrograms].map((name) => `bin/${name}`),
  ...cniPlugins.map((name) => `cni/${name}`),
];

/** Where folders of programs are kept, one for each version. */
export const programsCache = (): string => join(cacheFolder(), "kubernetes");

/** The files that a folder of programs lacks. */
export function missingFiles(folder: string): readonly string[] {
  return programFiles.filter((file) => !existsSync(join(folder, file)));
}

/**
 * Checks a folder that a person named, and gives its absolute path.
 * @throws PreconditionError that names what it lacks.
 */
export function givenPrograms(folder: string): string {
  const path = resolve(folder);
  const missing = missingFiles(path);
  if (missing.length === 0) return path;
  const detail = missing.length === programFiles.length ? "the programs of a Kubernetes" : missing.join(", ");
  throw new PreconditionError(`--binaries ${folder}: it lacks ${detail}`, {
    hint: `wanted are ${programFiles.join(" ")}`,
  });
}

/** The newest whole folder of programs in the cache, or `undefined`. */
export function cachedPrograms(): string | undefined {
  const cache = programsCache();
  if (!existsSync(cache)) return undefined;
  // What is in the making has a dot in its name.
  const folders = readdirSync(cache, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && /^[0-9a-z-]+$/.test(entry.name))
    .map((entry) => join(cache, entry.name))
    .filter((folder) => missingFiles(folder).length === 0);
  const age = (folder: string) => statSync(folder).mtimeMs;
  return folders.sort((a, b) => age(b) - age(a))[0];
}

/** What tells a folder of programs from another with other files. */
export function programsKey(folder: string): string {
  const files = [...programFiles, "bin/pause"].filter((file) => existsSync(join(folder, file)));
  return JSON.stringify(
    files.map((file) => {
      const { size, mtimeMs } = statSync(join(folder, file));
      return [file, size, mtimeMs];
    }),
  );
}
