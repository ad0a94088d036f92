import type { Facts } from "../facts.ts";

/** The path that a break asks for, of kubeadm's configuration of CoreDNS. */
export const COREFILE = "/api/v1/namespaces/kube-system/configmaps/coredns";

/** Seconds until a changed Corefile is in effect: the kubelet looks each 60 to 90, and CoreDNS each 30 to 45. */
export const COREFILE_PATIENCE = 150;

/** The text of CoreDNS's configuration, when the break asks for {@link COREFILE}; empty when there is none. */
export function corefileIn({ objects }: Facts): string {
  const found = objects[COREFILE] as { readonly data?: { readonly Corefile?: string } } | undefined;
  return found?.data?.Corefile ?? "";
}

/** Why a change of the Corefile would not be seen; `undefined` when it would. */
export function corefileRefusal(facts: Facts): string | undefined {
  const text = corefileIn(facts);
  if (text === "") return "there is no Corefile in the ConfigMap kube-system/coredns";
  return /^\s*reload\b/m.test(text)
    ? undefined
    : "its Corefile has no `reload`, so CoreDNS would not read a change";
}
