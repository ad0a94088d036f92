import { isRecord } from "../../schema.ts";
import { entriesOf, readable, sha256 } from "../entries.ts";
import type { Entries } from "../types.ts";
import { volatileFields } from "./volatile.ts";

/** Longer text is told by its hash: a certificate or a whole configuration file says nothing in a table. */
const longest = 200;

const isPlain = (name: string) => /^[A-Za-z_][A-Za-z0-9_-]*$/.test(name);

const shown = (text: string) => readable(Buffer.from(text));

function textOf(value: unknown): string {
  const text = shown(JSON.stringify(value));
  return text.length <= longest ? text : `sha256:${sha256(text)}`;
}

/** Each value with its path, such as `.spec.containers[0].image`, without what moves by itself. */
function leaves(value: unknown, path: string): readonly (readonly [string, unknown])[] {
  if (volatileFields.some(({ pattern }) => pattern.test(path))) return [];
  const below = Array.isArray(value)
    ? value.map((item, index) => [item, `${path}[${index}]`] as const)
    : isRecord(value)
      ? Object.entries(value).map(
          ([name, item]) =>
            [item, `${path}${isPlain(name) ? `.${name}` : `[${JSON.stringify(name)}]`}`] as const,
        )
      : [];
  // An empty list or map is a value, too.
  return below.length === 0 ? [[path, value]] : below.flatMap(([item, at]) => leaves(item, at));
}

interface Meta {
  readonly namespace?: string;
  readonly name?: string;
  readonly ownerReferences?: readonly { readonly controller?: boolean }[];
}

const metaOf = (object: unknown): Meta => (isRecord(object) ? ((object.metadata ?? {}) as Meta) : {});

const isMadeByAController = (object: unknown) =>
  metaOf(object).ownerReferences?.some(({ controller }) => controller === true) ?? false;

/**
 * Of these, others come under other names: pods of a controller, and static ones, of which the kubelet shows an image, and
 * EndpointSlices, which follow the pods. Those that somebody made are compared.
 */
const comeAndGo: readonly string[] = ["pods", "endpointslices.discovery.k8s.io"];

/** A secret's values, and where whoever applied it left them once more, are told by their hashes only. */
const isSecret = (resource: string, path: string) =>
  resource === "secrets" && /^\.(data|stringData|metadata\.annotations)(\.|\[)/.test(path);

function entriesOfObject(resource: string, object: unknown): readonly (readonly [string, string])[] {
  const { namespace, name = "" } = metaOf(object);
  const title = shown(namespace === undefined ? name : `${namespace}/${name}`);
  return leaves(object, "").map(([path, value]) => [
    `${title} ${shown(path)}`,
    isSecret(resource, path) ? `sha256:${sha256(JSON.stringify(value))}` : textOf(value),
  ]);
}

/**
 * What is compared of the objects of one resource: a value for each field, by namespace, name and path.
 * @param resource `plural.group`, or `plural` of the core group.
 * @param list The API server's answer.
 */
export function entriesOfList(resource: string, list: string): Entries {
  const { items = [] } = JSON.parse(list) as { readonly items?: readonly unknown[] | null };
  const objects = (items ?? []).filter(
    (object) => !comeAndGo.includes(resource) || !isMadeByAController(object),
  );
  return entriesOf(objects.flatMap((object) => entriesOfObject(resource, object)));
}
