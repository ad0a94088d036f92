import { type Shell, sh } from "../shell.ts";

/** An object that is in the API already. */
export interface ObjectRef {
  /** In the singular: `service`, `deployment.apps`. */
  readonly resource: string;
  readonly name: string;
  /** Default: default; of no account for what is in none. */
  readonly namespace?: string;
}

/** What `namespace/name` says, as breaks' parameters and constructors have it. */
export function namespaced(text: string): { readonly namespace: string; readonly name: string } {
  const [namespace = "", name = ""] = text.split("/");
  return { namespace, name };
}

/** As it is called in a title: `service default/web`. */
export const nameOf = ({ resource, namespace = "default", name }: ObjectRef): string =>
  `${resource} ${namespace}/${name}`;

/** The words by which the functions of the API library take it: namespace, resource and name. */
export const target = ({ resource, namespace = "default", name }: ObjectRef): Shell =>
  sh`${namespace} ${resource} ${name}`;
