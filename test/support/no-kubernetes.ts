import { cachedPrograms } from "../../src/lab/kubernetes/programs.ts";

/** Why there can be no real Kubernetes on this machine; `undefined` when there can. */
export const noKubernetes: string | undefined =
  cachedPrograms() === undefined
    ? "no programs of a Kubernetes in the cache; with Go, test/lab/kubernetes/build.sh makes them"
    : undefined;
