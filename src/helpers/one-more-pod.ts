import type { Facts } from "../facts.ts";
import { scale } from "../operations/constructors.ts";
import type { ReplicasOperation } from "../operations/replicas.ts";
import { deploymentIn } from "./deployment.ts";

/** Scales a Deployment, given as `namespace/name`, whose `deploymentPath` the break asks for, up by one. */
export const oneMorePod = (deployment: string, facts: Facts): ReplicasOperation =>
  scale(deployment, deploymentIn(deployment, facts).replicas + 1);
