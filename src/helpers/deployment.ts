import type { Facts } from "../facts.ts";
import { namespaced } from "../operations/object-ref.ts";

/** What breaks need of a Deployment. */
export interface DeploymentFacts {
  readonly namespace: string;
  readonly name: string;
  /** The labels of its pods, as they are selected. */
  readonly labels: Readonly<Record<string, string>>;
  /** The same as `kubectl --selector` takes them. */
  readonly selector: string;
  readonly replicas: number;
  /** The first container of its pods. */
  readonly container: { readonly name: string; readonly image: string; readonly envFrom: readonly object[] };
}

interface Answer {
  readonly spec: {
    readonly replicas?: number;
    readonly paused?: boolean;
    readonly selector: { readonly matchLabels?: Readonly<Record<string, string>> };
    readonly template: {
      readonly spec: {
        readonly containers: readonly {
          readonly name: string;
          readonly image: string;
          readonly envFrom?: readonly object[];
        }[];
      };
    };
  };
}

/** The path that a break asks for, of a Deployment given as `namespace/name`. */
export function deploymentPath(deployment: string): string {
  const { namespace, name } = namespaced(deployment);
  return `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`;
}

const answerOf = (deployment: string, { objects }: Facts) =>
  objects[deploymentPath(deployment)] as Answer | undefined;

/**
 * A Deployment, given as `namespace/name`, whose {@link deploymentPath} the break asks for.
 * @throws TypeError when it is not there: {@link rolloutRefusal} tells so before.
 */
export function deploymentIn(deployment: string, facts: Facts): DeploymentFacts {
  const { selector, template, replicas = 1 } = answerOf(deployment, facts)?.spec ?? {};
  const container = template?.spec.containers[0];
  if (selector === undefined || container === undefined)
    throw new TypeError(`there is no Deployment ${deployment}`);
  const labels = selector.matchLabels ?? {};
  return {
    ...namespaced(deployment),
    labels,
    selector: Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(","),
    replicas,
    container: { name: container.name, image: container.image, envFrom: container.envFrom ?? [] },
  };
}

/** Why nothing can be seen of a change to its pods; `undefined` when it can. */
export function rolloutRefusal(deployment: string, facts: Facts): string | undefined {
  const spec = answerOf(deployment, facts)?.spec;
  if (spec === undefined) return `there is no Deployment ${deployment}`;
  if (spec.paused) return `the Deployment ${deployment} is paused: it would make no new pod`;
  return spec.replicas === 0 ? `the Deployment ${deployment} has no replicas` : undefined;
}
