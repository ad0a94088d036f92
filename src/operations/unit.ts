import { lines, sh, trusted } from "../shell.ts";
import { common, field, type OperationKind, type State } from "./operation.ts";
import { wayInDangers } from "./way-in.ts";

export interface UnitOperation {
  readonly kind: "unit";
  readonly unit: string;
  readonly active?: boolean;
  readonly enabled?: "enabled" | "disabled" | "masked";
}

const schema = {
  type: "object",
  description: "Start or stop a systemd unit, and enable, disable or mask it.",
  properties: {
    kind: { const: "unit" },
    unit: {
      type: "string",
      pattern: "^[A-Za-z0-9:_.@\\\\-]+\\.[a-z]+$",
      description: "Full name, such as kubelet.service.",
    },
    active: { type: "boolean", description: "Started or stopped." },
    enabled: { enum: ["enabled", "disabled", "masked"] },
  },
  required: ["kind", "unit"],
  anyOf: [{ required: ["active"] }, { required: ["enabled"] }],
  additionalProperties: false,
} as const;

/**
 * The links of a unit below /etc, its aliases among them, are its enablement: they come back as they were, which
 * `enable` cannot promise.
 */
const library = trusted(String.raw`
unit_links() { # unit: "path TAB target TAB mtime" of each link that enables or masks it, sorted
  name=$(printf %s "$1" | sed 's/\\/\\\\/g') # find takes a pattern, and names such as dev-sda\x2d1.swap have backslashes
  find /etc/systemd/system -maxdepth 2 -type l \( -name "$name" -o -lname "*/$name" -o -lname "$name" \) -printf '%p\t%l\t%T+\n' | sort
}
unit_shown() { # unit: asks systemd once for all that is read of it
  shown=$(systemctl show -p ActiveState -p LoadState -p NeedDaemonReload -p RequiredBy -p RequisiteOf -p BoundBy -p ConsistsOf -- "$1")
  shown=$NEWLINE$shown$NEWLINE
}
unit_property() { # name: its value among what was shown, in property
  property=${"$"}{shown#*"$NEWLINE$1="}
  if [ "$property" = "$shown" ]; then property=; else property=${"$"}{property%%"$NEWLINE"*}; fi
}
unit_dependents() { # the running units that systemd stops when it stops the one that was shown
  found= todo=
  for name in RequiredBy RequisiteOf BoundBy ConsistsOf; do unit_property "$name"; todo="$todo $property"; done
  while [ -n "$todo" ]; do
    next=
    for one in $todo; do
      case " $found " in *" $one "*) continue ;; esac
      if systemctl is-active -q -- "$one"; then found="$found $one" next="$next $one"; fi
    done
    todo=
    [ -z "$next" ] || todo=$(systemctl show -p RequiredBy -p RequisiteOf -p BoundBy -p ConsistsOf --value -- $next)
  done
  echo "$found"
}
unit_read() { # unit links(yes|no)
  # A unit on its way up or down is awaited: what moves by itself is no state.
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    unit_shown "$1"
    unit_property ActiveState
    state=$property
    case $state in deactivating) sleep 0.25 ;; *) break ;; esac
  done
  case $state in active|activating|reloading|refreshing) put active up ;; *) put active down ;; esac
  note state "$state"
  [ "$CONTENT" = no ] || note dependents "$(unit_dependents)"
  unit_property LoadState
  note load "$property"
  [ "$2" = yes ] || return 0
  if [ -f "/etc/systemd/system/$1" ] && [ ! -L "/etc/systemd/system/$1" ]; then note file yes; fi
  unit_property NeedDaemonReload
  put reload "$property"
  put links "$(unit_links "$1" | cut -f1,2 | b64)"
  [ "$CONTENT" = yes ] || return 0
  note links "$(unit_links "$1" | b64)"
  note folders "$(find /etc/systemd/system -maxdepth 1 -type d -printf '%p\t%T+\n' | sort | b64)"
}
unit_enabled() { # unit enabled|disabled|masked
  # Of a unit that has an init script, too, systemctl would move the links in /etc/rc?.d: systemd does not read them.
  export SYSTEMCTL_SKIP_SYSV=1
  case $2 in
  enabled) systemctl -q enable -- "$1" ;;
  disabled) systemctl -q disable -- "$1" ;;
  masked) systemctl -q mask -- "$1" ;;
  esac
}
unit_links_back() { # unit links folders
  printf %s "$2" | base64 -d | {
    tab=$(printf '\t')
    wanted= made=
    while IFS="$tab" read -r path target mtime; do
      wanted="$wanted|$path|"
      if [ "$(readlink -- "$path")" != "$target" ]; then
        folder=$(dirname -- "$path")
        # systemctl removes a folder with the last link in it; nobody else can have written there since.
        if [ ! -d "$folder" ]; then install -d -m 0755 -- "$folder"; made=$folder; fi
        ln -sfT -- "$target" "$path"
        if [ -n "$made" ]; then
          touch -d "$(printf %s "$3" | base64 -d | sed -n "s|^$made$tab||p" | tr + ' ')" -- "$made"
          made=
        fi
      fi
      touch -h -d "$(echo "$mtime" | tr + ' ')" -- "$path"
    done
    unit_links "$1" | while IFS="$tab" read -r path target mtime; do
      case $wanted in *"|$path|"*) ;; *) rm -f -- "$path" ;; esac
    done
  }
  find /etc/systemd/system -maxdepth 1 -type d -name '*.*' -empty | while read -r path; do
    printf %s "$3" | base64 -d | cut -f1 | grep -qxF -- "$path" || rmdir -- "$path"
  done
  sync -- /etc/systemd/system
  systemctl daemon-reload
}
unit_active() { # unit up|down state-before dependents
  if [ "$2" = up ]; then systemctl start -- "$1" $4
  elif [ "$(systemctl show -p LoadState --value -- "$1")" != not-found ] || systemctl is-active -q -- "$1"; then
    systemctl stop -- "$1"
  fi
  # A unit that ends by a signal is left as failed, which would be seen.
  [ "$3" = failed ] || systemctl reset-failed -- "$1" 2>/dev/null || :
}
unit_is() { # up|down state-before
  [ "$(told active)" = "$1" ] && { [ "$(noted state)" != failed ] || [ "$2" = failed ]; }
}
`);

/** Where `systemctl enable` and `mask` put their links for nearly every unit. */
const enablement = [
  "",
  "/multi-user.target.wants",
  "/sysinit.target.wants",
  "/timers.target.wants",
  "/sockets.target.wants",
].map((name) => `/etc/systemd/system${name}`);

/** A unit that did not come up stays on the list of failed units, also when its file is gone. */
const newlyFailed = (before: State, now: State) =>
  now.notes.state === "failed" && before.notes.state !== "failed";

export const unit: OperationKind<UnitOperation> = {
  ...common,
  kind: "unit",
  summary: schema.description,
  schema,
  library,
  title: (spec) =>
    [spec.active === undefined ? "" : spec.active ? "start" : "stop", spec.enabled ?? "", spec.unit]
      .filter((word) => word !== "")
      .join(" "),
  owns: (spec) => [`unit:${spec.unit}`],
  commands: () => ["systemctl"],
  dangers: (spec) => [...wayInDangers([], [spec.unit]), ...common.dangers(spec)],
  lasting: (spec) => spec.enabled !== undefined,
  actor: (spec) => spec.active === true,
  folders: (spec) => (spec.enabled === undefined ? [] : enablement),
  read: (spec) => sh`unit_read ${spec.unit} ${spec.enabled !== undefined}`,
  refusal(spec, before) {
    // A unit whose file an earlier operation of the same step makes is not known to systemd yet.
    if (spec.active === false && before.notes.load === "not-found") return `there is no unit ${spec.unit}`;
    if (before.values.reload === "yes")
      return `systemd has not read the files of ${spec.unit} since they were changed: what it knows now could not be put back`;
    if (spec.enabled === "masked" && before.notes.file === "yes")
      return `${spec.unit} has its file in /etc/systemd/system, where the link that masks it would be`;
    if (!unit.inEffect(spec, before, before, { token: "", content: () => Buffer.alloc(0) })) return undefined;
    if (spec.enabled === undefined) return `${spec.unit} is ${before.values.active} already`;
    return `${spec.unit} is ${spec.enabled} already`;
  },
  apply: (spec, before) => {
    const state = before.notes.state ?? "inactive";
    const enabled = spec.enabled === undefined ? sh`:` : sh`unit_enabled ${spec.unit} ${spec.enabled}`;
    if (spec.active === undefined) return enabled;
    return sh`${enabled}
unit_active ${spec.unit} ${spec.active ? "up" : "down"} ${state} ''`;
  },
  restore(spec, before) {
    const links =
      spec.enabled === undefined
        ? sh`:`
        : sh`unit_links_back ${spec.unit} ${field(before.notes, "links")} ${field(before.notes, "folders")}`;
    if (spec.active === undefined) return links;
    return sh`${links}
unit_active ${spec.unit} ${field(before.values, "active")} ${before.notes.state ?? "inactive"} ${before.notes.dependents ?? ""}`;
  },
  inEffect(spec, _before, now) {
    if (spec.active !== undefined && (now.values.active === "up") !== spec.active) return false;
    if (spec.enabled === undefined) return true;
    if (now.values.reload === "yes") return false;
    const links = Buffer.from(field(now.values, "links"), "base64").toString("utf8");
    if (spec.enabled === "masked") return links.includes("\t/dev/null");
    return spec.enabled === "enabled" ? links !== "" && !links.includes("\t/dev/null") : links === "";
  },
  restored: (spec, before, now) =>
    (spec.active === undefined ||
      (now.values.active === before.values.active && !newlyFailed(before, now))) &&
    (spec.enabled === undefined ||
      (now.values.links === before.values.links && now.values.reload === before.values.reload)),
  isBack: (spec, before) =>
    lines(
      spec.active === undefined
        ? sh`:`
        : sh`unit_is ${field(before.values, "active")} ${before.notes.state ?? ""}`,
      spec.enabled === undefined
        ? sh`:`
        : sh`[ "$(told links)" = ${field(before.values, "links")} ] && [ "$(told reload)" = ${field(before.values, "reload")} ]`,
    ),
  remains: (spec, before, now) =>
    spec.active === true && before.values.active === "down" && now.values.active === "up",
  preview: (spec, before) => ({ line: `${unit.title(spec)} (now ${before.values.active})` }),
};
