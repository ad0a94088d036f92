import type { Facts } from "../facts.ts";
import { scale } from "../operations/constructors.ts";
import type { ReplicasOperation } from "../operations/replicas.ts";
import { deploymentPath } from "./deployment.ts";

/** Scales a Deployment, given as `namespace/name`, whose {@link deploymentPath} the break asks for, up by one. */
export function oneMorePod(deployment: string, { objects }: Facts): ReplicasOperation {
  const found = objects[deploymentPath(deployment)] as { readonly spec: { readonly replicas?: number } };
  return scale(deployment, (found.spec.replicas ?? 1) + 1);
}
