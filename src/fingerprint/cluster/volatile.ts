/**
 * What the control plane itself rewrites in API objects, with the reason for each: everything else is compared. What
 * people set is in specs and metadata; what is told of the world is in `status`, which no field here needs to name.
 */

/** Resources as `plural.group`, or `plural` of the core group. */
export const volatileResources: Readonly<Record<string, string>> = {
  "certificatesigningrequests.certificates.k8s.io": "answered requests, removed after an hour",
  componentstatuses: "no objects: asked of the components at each look",
  endpoints: "the addresses of pods, written by a controller",
  events: "written for every occurrence, expire by themselves",
  "events.events.k8s.io": "written for every occurrence, expire by themselves",
  "leases.coordination.k8s.io": "heartbeats",
};

export interface VolatileField {
  /** Of the path within the object, such as `.metadata.uid`. */
  readonly pattern: RegExp;
  readonly reason: string;
}

/** Fields of any object. */
export const volatileFields: readonly VolatileField[] = [
  { pattern: /^\.status(\.|\[|$)/, reason: "what controllers tell of the world" },
  { pattern: /^\.metadata\.(uid|creationTimestamp|selfLink)$/, reason: "of the object's making" },
  { pattern: /^\.metadata\.(resourceVersion|generation)$/, reason: "count writes, which no undo takes back" },
  { pattern: /^\.metadata\.managedFields(\.|\[|$)/, reason: "who wrote which field last" },
  {
    pattern: /^\.metadata\.ownerReferences\[\d+\]\.uid$/,
    reason: "of the owner's making; its kind and name are compared",
  },
  {
    pattern: /^\.metadata\.annotations\["deployment\.kubernetes\.io\/revision(-history)?"\]$/,
    reason: "counts a Deployment's changes",
  },
  {
    pattern: /^\.metadata\.annotations\["control-plane\.alpha\.kubernetes\.io\/leader"\]$/,
    reason: "heartbeats",
  },
];
