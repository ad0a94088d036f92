/** One kind of object that the API server lists. */
export interface Resource {
  /** `plural.group`, or `plural` of the core group. */
  readonly name: string;
  /** Path of the list of all objects in all namespaces. */
  readonly path: string;
}

/** A part of the API server's aggregated discovery (apidiscovery.k8s.io/v2). */
interface GroupList {
  readonly items?: readonly {
    readonly metadata?: { readonly name?: string };
    /** The preferred one first. */
    readonly versions?: readonly {
      readonly version: string;
      readonly resources?: readonly { readonly resource: string; readonly verbs?: readonly string[] }[];
    }[];
  }[];
}

/**
 * All that can be listed, each in the version that the server prefers, sorted by name. A kind of object that only an
 * older version of its group has is taken from there.
 * @param documents The answers to `/api` and `/apis`.
 */
export function resourcesOf(documents: readonly string[]): readonly Resource[] {
  const found = new Map<string, Resource>();
  for (const group of documents.flatMap((text) => (JSON.parse(text) as GroupList).items ?? [])) {
    const groupName = group.metadata?.name ?? "";
    for (const { version, resources = [] } of group.versions ?? []) {
      const root = groupName === "" ? `/api/${version}` : `/apis/${groupName}/${version}`;
      for (const { resource, verbs = [] } of resources) {
        const name = groupName === "" ? resource : `${resource}.${groupName}`;
        if (verbs.includes("list") && !found.has(name))
          found.set(name, { name, path: `${root}/${resource}` });
      }
    }
  }
  return [...found.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
}
