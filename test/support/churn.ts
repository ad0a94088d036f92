import type { Difference } from "../../src/fingerprint/types.ts";

/** What Kubernetes makes up when it starts something anew, with what stands for all of it. */
const madeUp: readonly (readonly [RegExp, string])[] = [
  // kube-proxy's rules name the addresses of pods, and their chains are named after hashes of these.
  [/KUBE-.*$/, "KUBE-*"],
  [/veth[0-9a-f]{8}/g, "veth*"],
  [/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "*"],
  [/[0-9a-f]{12,}/g, "*"],
  [/(?<![\d.])\d+(\.\d+){3}(\/\d+)?(?![\d.])/g, "<address>"],
  [/\bfe80::[0-9a-f:]+(\/\d+)?/g, "<address>"],
  [/:\d{5}\b/g, ":*"],
];

/** The kind of thing that a difference is about, on any node and after any start. */
export function shapeOf({ section, key }: Pick<Difference, "section" | "key">): string {
  return madeUp.reduce((text, [pattern, name]) => text.replace(pattern, name), `${section} ${key}`);
}
