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
 * Some container of the pods, which is not ready, waits for a reason, such as `CrashLoopBackOff`, or ended for it, such as
 * `OOMKilled`.
 * @param reasons One of them is enough.
 */
export function podsStuck(namespace: string, selector: string, ...reasons: readonly string[]): Probe {
  const containers = ["initContainerStatuses", "containerStatuses"].map(
    (list) =>
      `{range .items[*].status.${list}[*]}{.ready} {.state.*.reason} {.lastState.*.reason}{"\\n"}{end}`,
  );
  // What ended a container that is well again is still told of it.
  return apiProbe(
    `a pod with ${selector} is in ${reasons.join(" or ")}`,
    sh`found=$(administer get pods --namespace ${namespace} --selector ${selector} -o ${`jsonpath=${containers.join("")}`}) || exit 2
printf '%s\n' "$found" | sed /^true/d | tr ' ' '\n' | grep -qxF ${reasons.flatMap((reason) => ["-e", reason])} || exit 1
exit 0`,
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
found=$(administer get endpointslices --namespace ${namespace} --selector ${`kubernetes.io/service-name=${service}`} -o 'jsonpath={range .items[*].endpoints[*]}{.conditions.ready} {end}') || exit 2
case $found in *true*) exit 1 ;; esac
exit 0`,
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

/** The API server refuses a pod that asks for nothing special, as {@link creationRefused} finds out. */
export function podRefused(namespace: string, text: string): Probe {
  return creationRefused(podOf(namespace, "pause"), text);
}

/** A pod that is only tried: no more than it has to say. */
const podOf = (namespace: string, image: string) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "probe", namespace },
  spec: { containers: [{ name: "probe", image }] },
});

/** A pod that asks for one image would get another one: a dry run of its creation says so. */
export function podGetsAnotherImage(namespace: string, image: string): Probe {
  return apiProbe(
    `a pod that asks for ${image} gets another image`,
    sh`found=$(printf %s ${JSON.stringify(podOf(namespace, image))} | administer create --dry-run=server -f - -o 'jsonpath={.spec.containers[0].image}') || exit 2
[ "$found" != ${image} ] || exit 1
exit 0`,
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
