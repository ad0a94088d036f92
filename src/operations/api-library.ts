import { lines, trusted } from "../shell.ts";
import { administratorLibrary } from "./administrator.ts";

/** Seconds that undo waits for the API: a static pod whose manifest came back takes two minutes at times. */
export const API_PATIENCE = 300;

/**
 * What operations on API objects share. They are made on a control plane node, by its kubectl, through the script by
 * which everything else is made there: so they have the same log, lock, compare-and-swap, time to live and stand-alone
 * script, and the administrator's key stays on the node.
 *
 * Without an API every call would take its whole time, so it is asked once a script. `livez` would not do: it does not
 * tell whether etcd answers.
 */
export const apiLibrary = lines(
  administratorLibrary,
  trusted(String.raw`
api_look() { # sets API (up|down) and why
  API=up
  why=$(administer get --raw /api/v1/namespaces/default --request-timeout 5s 2>&1 >/dev/null) || API=down
}
[ -n "${"$"}{API-}" ] || api_look
api_wait() { # seconds: until the API answers
  for _ in $(seq $(($1 / 2))); do
    if [ "$API" = up ]; then return; fi
    sleep 2
    api_look
  done
}
api_answers() {
  if [ "$API" = up ]; then return; fi
  printf 'the API server does not answer: %s\n' "$why" >&2
  return 1
}
object_get() { # namespace resource name output: nothing when there is no such object
  administer get "$2" --namespace "$1" --ignore-not-found -o "$4" -- "$3"
}
object_note() { # namespace resource name: all of it, to make it again if somebody deletes it
  note whole "$(object_get "$1" "$2" "$3" json | b64)"
}
object_read() { # namespace resource name template
  api_answers
  fields=$(object_get "$1" "$2" "$3" "jsonpath-as-json=$4")
  if [ -z "$fields" ]; then put presence absent; return; fi
  put presence present
  put fields "$(printf '%s\n' "$fields" | b64)"
}
api_refuses() { # input words...: what the API server says now to a change that is only tried
  input=$1 verb=$2
  shift 2
  if ! why=$(printf %s "$input" | administer "$verb" --dry-run=server "$@" 2>&1 >/dev/null); then
    note refused "$(printf %s "$why" | b64)"
  fi
}
object_create() { # namespace: of what comes on standard input
  administer create --namespace "$1" -f - >/dev/null
}
object_patch() { # namespace resource name type(merge|strategic) patch
  printf %s "$5" | administer patch "$2" --namespace "$1" --type "$4" --patch-file /dev/stdin -- "$3" >/dev/null
}
# Dependents go with what we have made, and are orphaned by what we only take away. No watch: it is polled.
object_delete() { # namespace resource name cascade(foreground|orphan)
  administer delete "$2" --namespace "$1" --ignore-not-found --cascade "$4" --wait=false -- "$3" >/dev/null
  for _ in $(seq 60); do
    left=$(object_get "$1" "$2" "$3" name)
    if [ -z "$left" ]; then return; fi
    sleep 1
  done
  held=$(object_get "$1" "$2" "$3" 'jsonpath={.metadata.finalizers}')
  echo "it is being deleted, and something holds it: ${"$"}{held:-no finalizer}" >&2
  return 1
}
`),
);
