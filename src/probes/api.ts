import { apiLibrary } from "../operations/api-library.ts";
import { lines, type Shell, sh, trusted } from "../shell.ts";
import type { Probe } from "./probe.ts";

/**
 * A probe that asks the API, on a control plane node: the script may call `administer` (its kubectl as the cluster's
 * administrator) and `object_get NAMESPACE RESOURCE NAME OUTPUT`. While the API does not answer nothing can be told.
 */
export function apiProbe(title: string, script: Shell): Probe {
  return {
    title,
    commands: ["kubectl"],
    script: lines(apiLibrary, sh`[ "$API" = up ] || exit 2`, script),
  };
}

/**
 * Some container of the pods waits for a reason, such as `CrashLoopBackOff`, or ended for it, such as `OOMKilled`.
 * @param reasons One of them is enough.
 */
export function podsStuck(namespace: string, selector: string, ...reasons: readonly string[]): Probe {
  return apiProbe(
    `a pod with ${selector} is in ${reasons.join(" or ")}`,
    sh`found=$(administer get pods --namespace ${namespace} --selector ${selector} -o 'jsonpath={range .items[*].status}{.initContainerStatuses[*].state.*.reason} {.containerStatuses[*].state.*.reason} {.containerStatuses[*].lastState.*.reason} {end}') || exit 2
for one in $found; do
  case ${` ${reasons.join(" ")} `} in *" $one "*) exit 0 ;; esac
done
exit 1`,
  );
}

/** Some of the pods finds no node: it is Pending, and the scheduler says that it is unschedulable. */
export function podsUnschedulable(namespace: string, selector: string): Probe {
  return apiProbe(
    `a pod with ${selector} finds no node`,
    sh`found=$(administer get pods --namespace ${namespace} --selector ${selector} -o ${trusted(
      `'jsonpath={.items[*].status.conditions[?(@.type=="PodScheduled")].reason}'`,
    )}) || exit 2
case " $found " in *" Unschedulable "*) exit 0 ;; esac
exit 1`,
  );
}

/** A Service has no endpoint that is ready. Quiet where there is no such Service. */
export function serviceWithoutEndpoints(namespace: string, service: string): Probe {
  return apiProbe(
    `the Service ${namespace}/${service} has no endpoint`,
    sh`[ -n "$(object_get ${namespace} service ${service} name)" ] || exit 1
found=$(administer get endpointslices --namespace ${namespace} --selector ${`kubernetes.io/service-name=${service}`} -o ${trusted(
      `'jsonpath={.items[*].endpoints[?(@.conditions.ready==true)].addresses}'`,
    )}) || exit 2
[ -n "$found" ] || exit 0
exit 1`,
  );
}

/** The API server refuses to create an object (tried only), and says why in words that have `text`. */
export function creationRefused(manifest: { readonly kind: string }, text: string): Probe {
  return apiProbe(
    `the API server refuses a ${manifest.kind}: ${text}`,
    sh`if why=$(printf %s ${JSON.stringify(manifest)} | administer create --dry-run=server -f - 2>&1 >/dev/null); then exit 1; fi
case $why in *${text}*) exit 0 ;; esac
exit 2`,
  );
}

/** A field of an object, as kubectl's jsonpath gives it, is `value`. For what shows nowhere but in the object. */
export function objectSays(
  object: { readonly namespace: string; readonly resource: string; readonly name: string },
  jsonpath: string,
  value: string,
): Probe {
  const { namespace, resource, name } = object;
  return apiProbe(
    `${jsonpath} of ${resource} ${namespace}/${name} is ${value}`,
    sh`found=$(object_get ${namespace} ${resource} ${name} ${`jsonpath=${jsonpath}`}) || exit 2
[ "$found" = ${value} ] || exit 1
exit 0`,
  );
}
