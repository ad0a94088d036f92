import { lines, type Shell, sh, trusted } from "../shell.ts";
import { field, type State } from "./operation.ts";

/**
 * What a new pod template of a Deployment leaves besides the fields: a ReplicaSet of its own, which stays without pods when
 * the fields are as before, and to which `kubectl rollout undo` would go back.
 */
export const rolloutLibrary: Shell = trusted(String.raw`
sets_of() { # namespace deployment: its ReplicaSets, one a line, the one in use last
  administer get replicaset --namespace "$1" -o 'jsonpath={range .items[*]}{.metadata.ownerReferences[0].kind}/{.metadata.ownerReferences[0].name} {.metadata.annotations.deployment\.kubernetes\.io/revision} {.metadata.name}{"\n"}{end}' |
    awk -v owner="Deployment/$2" '$1 == owner { print $2, $3 }' | sort -n | cut -d' ' -f2
}
sets_read() { # namespace deployment
  found=$(sets_of "$1" "$2")
  put current "$(printf '%s\n' "$found" | tail -n 1)"
  put sets "$(printf '%s\n' "$found" | sort | tr '\n' ' ')"
  [ "$CONTENT" = no ] || note history "$(object_get "$1" deployment "$2" 'jsonpath={.spec.revisionHistoryLimit}')"
}
# All others than these and the one in use go, as soon as they have no pods. The controller tells a ReplicaSet that it is in
# use, by the highest revision, before it tells that it has seen the Deployment's change.
sets_forget() { # namespace deployment sets
  for _ in $(seq 60); do
    sleep 1
    seen=$(object_get "$1" deployment "$2" 'jsonpath={.metadata.generation} {.status.observedGeneration}')
    other='the newest'
    [ "${"$"}{seen% *}" = "${"$"}{seen#* }" ] || continue
    other=
    for set in $(sets_of "$1" "$2" | sed '$d'); do
      case " $3 " in *" $set "*) continue ;; esac
      other=$set
      pods=$(object_get "$1" replicaset "$set" 'jsonpath={.spec.replicas}/{.status.replicas}')
      [ "$pods" != 0/0 ] || object_delete "$1" replicaset "$set" foreground
    done
    if [ -z "$other" ]; then return; fi
  done
  echo "its ReplicaSet ($other) still has pods: kubectl -n $1 rollout status deployment $2" >&2
  return 1
}
`);

interface Change {
  readonly resource: string;
  readonly name: string;
  readonly namespace?: string;
  readonly set: Readonly<Record<string, unknown>>;
}

/** True for a change that makes a Deployment roll its pods. */
export const rollsOut = ({ resource, set }: Change): boolean =>
  /^(deployments?(\.|$)|deploy$)/.test(resource) &&
  Object.keys(set).some((path) => /^spec(\.template|\["template"\])(\.|\[|$)/.test(path));

const target = ({ namespace = "default", name }: Change) => sh`${namespace} ${name}`;

export const setsRead = (spec: Change): Shell =>
  rollsOut(spec) ? lines(sh`sets_read ${target(spec)}`) : trusted("");

export const setsForgotten = (spec: Change, before: State): Shell =>
  rollsOut(spec) ? sh`sets_forget ${target(spec)} ${field(before.values, "sets").trim()}` : trusted("");

const setsIn = ({ values }: State): readonly string[] => (values.sets ?? "").split(" ").filter(Boolean);

/** True when there are ReplicaSets that were not there before, and are not the one in use: that may be a fixer's. */
export const hasOtherSets = (before: State, now: State): boolean =>
  setsIn(now).some((name) => !setsIn(before).includes(name) && name !== now.values.current);

/** Why a rollout would cost the Deployment a part of its history; `undefined` when it would not. */
export function historyRefusal(before: State): string | undefined {
  const old = setsIn(before).length - 1;
  if (old < 1 || old < Number(before.notes.history)) return undefined;
  return `it keeps ${old} old ReplicaSets, and another rollout would delete the oldest: raise its revisionHistoryLimit`;
}
