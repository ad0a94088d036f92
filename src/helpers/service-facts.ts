import type { Facts } from "../facts.ts";
import { namespaced } from "../operations/object-ref.ts";

/** What breaks need of a Service. */
export interface ServiceFacts {
  readonly namespace: string;
  readonly name: string;
  readonly selector: Readonly<Record<string, string>>;
  readonly ports: readonly {
    readonly name?: string;
    readonly port: number;
    readonly protocol: string;
    readonly targetPort: number | string;
  }[];
}

/** The path that a break asks for, of a Service given as `namespace/name`. */
export function servicePath(service: string): string {
  const { namespace, name } = namespaced(service);
  return `/api/v1/namespaces/${namespace}/services/${name}`;
}

/** A Service, given as `namespace/name`, whose {@link servicePath} the break asks for; `undefined` when it is not there. */
export function serviceIn(service: string, { objects }: Facts): ServiceFacts | undefined {
  const found = objects[servicePath(service)] as
    | { readonly spec: Partial<Pick<ServiceFacts, "selector" | "ports">> }
    | undefined;
  if (found === undefined) return undefined;
  return { ...namespaced(service), selector: found.spec.selector ?? {}, ports: found.spec.ports ?? [] };
}
