import { type Shell, sh, trusted } from "../shell.ts";
import { common, field, type OperationKind, type State } from "./operation.ts";
import { timeServices } from "./time-services.ts";

export interface ClockOperation {
  readonly kind: "clock";
  readonly skew: number;
}

/** Seconds. Less could not be told from what a clock and the way to the node do by themselves. */
const LEAST = 120;

/** Seconds: no clock can go back farther than to its epoch, or forth farther than its 32-bit users. */
const MOST = 68 * 366 * 86_400;

const schema = {
  type: "object",
  description:
    "Move the system clock by a step. Time services that run set it right again: stop them in an operation before.",
  properties: {
    kind: { const: "clock" },
    skew: {
      type: "integer",
      minimum: -MOST,
      maximum: MOST,
      description: "Seconds, at least 120: forward, or backward when negative.",
    },
  },
  required: ["kind", "skew"],
  additionalProperties: false,
} as const;

/** Milliseconds by which two clocks that are the same may differ: in one boot, in two, and for a real-time clock. */
const TOLERANCE = { same: 2000, across: 5000, rtc: 30_000 } as const;

/**
 * A clock is an offset, in milliseconds from the node's time since boot, which nobody can set. That of the time of day
 * moves only when somebody sets the clock: slewing moves both alike. The real-time clock and the time by kbreak's clock
 * at which the script was sent are held against it, too, and tell what is right when the node was started again.
 */
const library = trusted(String.raw`
clock_real() { # sets real: the offset of the time of day, by the kernel's own figures, as asking date takes a while
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    # 1 is the time of day and 2 the time since boot, both against the monotonic clock. The list is kept for each
    # processor, and one that sleeps may not have been told yet: so it is held against the seconds of /proc/stat.
    set -- $(sed -n -e '/^ *\.index: *[12]$/,/\.offset:/s/^ *\.offset: *\([0-9]*\) nsecs$/\1/p' -e 's/^btime //p' /proc/timer_list /proc/stat)
    for seconds in "$@"; do :; done
    if [ "$#" -ge 3 ] && [ "$((($1 - $2) / 1000000000))" = "$seconds" ]; then
      real=$((($1 - $2) / 1000000))
      return
    fi
    sleep 0.1
  done
  echo "the kernel does not tell how far its clock is from the time since boot (/proc/timer_list)" >&2
  return 1
}
clock_look() { # sets boot, real, rtc (empty where there is none), sent (by kbreak's clock) and now (seconds since 1970)
  read -r boot </proc/sys/kernel/random/boot_id
  clock_real
  sent=$((SENT - ${"$"}{ARRIVED%.*}${"$"}{ARRIVED#*.}0))
  rtc=
  if [ -r /sys/class/rtc/rtc0/since_epoch ]; then read -r rtc </sys/class/rtc/rtc0/since_epoch || rtc=; fi
  read -r uptime _ </proc/uptime
  uptime=${"$"}{uptime%.*}${"$"}{uptime#*.}0
  if [ -n "$rtc" ]; then rtc=$((rtc * 1000 - uptime)); fi
  now=$(((real + uptime) / 1000))
}
clock_stamp() { # sets stamp and stamped: the file by which systemd-timesyncd sets the clock forward when it starts
  stamp=$(stat -L -c '%Y %y' -- /var/lib/systemd/timesync/clock 2>/dev/null) || stamp='0 '
  stamped=${"$"}{stamp%% *} stamp=${"$"}{stamp#* }
}
clock_read() { # skew service...
  clock_look
  clock_stamp
  put offset "$real"
  note boot "$boot"
  note sent "$sent"
  note now "$now"
  note rtc "$rtc"
  note stamp "$stamp"
  if [ "$stamped" -gt "$((now + 60))" ]; then note ahead yes; fi
  skew=$1
  shift
  if systemctl -q is-active -- "$@" 2>/dev/null; then note service yes; fi
  if [ "$CONTENT" = yes ]; then clock_hindrances "$skew"; fi
}
clock_hindrances() { # skew: what only matters before the clock is moved
  date -d '+1.5 seconds' >/dev/null 2>&1 || note date other
  note account "$(clock_account "$((now / 86400))" "$(((now + $1) / 86400))")"
  if systemctl -q is-active teleport.service 2>/dev/null ||
    grep -qsi '^[[:space:]]*TrustedUserCAKeys' /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*; then note certificates yes; fi
  for folder in /var/spool/cron/atjobs /var/spool/at; do
    if [ -n "$(find "$folder" -maxdepth 1 -type f -name 'a*' 2>/dev/null)" ]; then note waiting 'a job of at'; fi
  done
  if [ -e /run/systemd/shutdown/scheduled ]; then note waiting 'a shutdown'; fi
}
clock_account() { # day day: the first account that works on the one and will have expired on the other
  [ -r /etc/shadow ] || return 0
  while IFS=: read -r name _ changed _ most _ _ expires _; do
    last=$expires
    case $changed,$most in 0,* | ,* | *,) ;; *)
      last=$((changed + most))
      if [ -n "$expires" ] && [ "$expires" -lt "$last" ]; then last=$expires; fi
      ;;
    esac
    if [ -n "$last" ] && [ "$last" -ge "$1" ] && [ "$last" -lt "$2" ]; then echo "$name"; return; fi
  done </etc/shadow
}
clock_far() { # offset offset milliseconds: are they farther apart than that?
  [ "$(($1 - $2))" -gt "$3" ] || [ "$(($2 - $1))" -gt "$3" ]
}
clock_to() { # offset
  lost=0
  clock_real
  for _ in 1 2 3 4 5 6; do
    clock_far "$1" "$real" 10 || return 0
    # date looks at the clock, thinks, and sets it: what passes meanwhile is lost, and about the same each time.
    step=$(($1 - real + lost)) sign=+
    if [ "$step" -lt 0 ]; then step=$((-step)) sign=-; fi
    date --set="$sign$((step / 1000)).$(printf %03d "$((step % 1000))") seconds" >/dev/null
    clock_real
    lost=$((lost + $1 - real))
  done
}
clock_rtc_to() { # offset: of the real-time clock
  clock_far "$1" "$rtc" 30000 || return 0
  if command -v hwclock >/dev/null; then
    # Its file of corrections, /etc/adjtime, is left alone.
    hwclock --noadjfile --utc --set --date="$(date -d "@$((($1 + uptime) / 1000))" '+%Y-%m-%d %H:%M:%S')"
  else
    # Moving the system clock, be it by a microsecond, makes systemd set the real-time clock to it.
    clock_to "$1"
    busctl -q call org.freedesktop.timedate1 /org/freedesktop/timedate1 org.freedesktop.timedate1 SetTime xbb 1 true false
  fi
  clock_look
  if clock_far "$1" "$rtc" 30000; then echo "the real-time clock could not be set back" >&2; return 1; fi
}
clock_is() { # boot offset rtc forward(yes|no)
  # Of another boot only a clock from outside of the node could tell.
  [ "$(noted boot)" = "$1" ] || return 1
  if clock_far "$2" "$(told offset)" ${TOLERANCE.same}; then return 1; fi
  rtc=$(noted rtc)
  if [ -n "$3" ] && [ -n "$rtc" ] && clock_far "$3" "$rtc" ${TOLERANCE.rtc}; then return 1; fi
  [ "$4" = no ] || [ "$(noted ahead)" != yes ]
}
clock_back() { # boot offset sent rtc stamp forward(yes|no)
  clock_look
  if [ -z "$SENT" ] && [ "$boot" != "$1" ]; then
    echo "the node was started again, and only a clock outside of it could tell what time it is: set it by hand" >&2
    return 1
  fi
  # Within one boot the time since boot is exact; in another one kbreak's clock tells, give or take the way to the node.
  between=0 enough=0 status=0
  if [ "$boot" != "$1" ]; then between=$((sent - $3)) enough=2000; fi
  if [ -n "$4" ] && [ -n "$rtc" ]; then clock_rtc_to "$(($4 + between))" || status=1; fi
  clock_real
  if clock_far "$(($2 + between))" "$real" "$enough"; then clock_to "$(($2 + between))"; fi
  # Only a clock that was ahead can have left such a time.
  clock_look
  clock_stamp
  if [ "$6" = yes ] && [ "$stamped" -gt "$((now + 60))" ]; then
    touch -d "${"$"}{5:-@$now}" -- /var/lib/systemd/timesync/clock
  fi
  return "$status"
}
`);

const number = (state: State, name: "sent" | "rtc") => Number(field(state.notes, name));
const offsetOf = (state: State) => Number(field(state.values, "offset"));
const sameBoot = (before: State, now: State) => before.notes.boot === now.notes.boot;

/** What has to be added to offsets of `before` to compare them with those of `now`. */
const between = (before: State, now: State) =>
  sameBoot(before, now) ? 0 : number(now, "sent") - number(before, "sent");

/** Milliseconds by which the system clock was moved since `before`. */
const moved = (before: State, now: State) => offsetOf(now) - offsetOf(before) - between(before, now);

/** The same for the real-time clock; 0 where there is none. */
const rtcMoved = (before: State, now: State) =>
  before.notes.rtc && now.notes.rtc ? number(now, "rtc") - number(before, "rtc") - between(before, now) : 0;

const near = (milliseconds: number, tolerance: number) => Math.abs(milliseconds) <= tolerance;
const toleranceOf = (before: State, now: State) =>
  sameBoot(before, now) ? TOLERANCE.same : TOLERANCE.across;

const isBack = (before: State, now: State) => near(moved(before, now), toleranceOf(before, now));
/** Only a clock that was ahead can have left it. */
const stampLeft = (skew: number, before: State, now: State) =>
  skew > 0 && now.notes.ahead === "yes" && before.notes.ahead !== "yes";

/** At boot the kernel takes the time of the real-time clock. What somebody or a time service set later is theirs. */
const setByBoot = (before: State, now: State) =>
  !sameBoot(before, now) &&
  !isBack(before, now) &&
  now.notes.service !== "yes" &&
  Boolean(now.notes.rtc) &&
  near(offsetOf(now) - number(now, "rtc"), TOLERANCE.across);

const units = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
] as const;

/** `400 days`, `1 day 2 hours`. */
function duration(seconds: number): string {
  let rest = Math.abs(seconds);
  return units
    .flatMap(([name, size]) => {
      const count = Math.floor(rest / size);
      rest -= count * size;
      return count === 0 ? [] : [`${count} ${name}${count === 1 ? "" : "s"}`];
    })
    .join(" ");
}

const title = ({ skew }: ClockOperation) =>
  `move the clock ${skew < 0 ? "back" : "forward"} by ${duration(skew)}`;

const utc = (seconds: number) =>
  `${new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC`;

/** The years that a real-time clock, 32-bit programs and a running system can have. */
const [FIRST, LAST] = [Date.UTC(2001, 0) / 1000, Date.UTC(2038, 0) / 1000];

function refusal({ skew }: ClockOperation, { notes }: State): string | undefined {
  if (Math.abs(skew) < LEAST)
    return `a clock that is moved by less than ${LEAST} seconds cannot be told from another`;
  const then = Number(field(notes, "now")) + skew;
  if (then < FIRST || then > LAST) return `the clock would say ${utc(then)}: only 2001 to 2037 can be had`;
  if (notes.date === "other") return "the node's `date` cannot move a clock by a step (that of GNU can)";
  if (notes.certificates === "yes")
    return "logins here may be by certificate (Teleport, or TrustedUserCAKeys of sshd), which is not valid at another time: kbreak might not get in again";
  if (skew < 0) return undefined;
  if (notes.account)
    return `the account ${notes.account} or its password expires before ${utc(then)} (see \`chage -l\`): kbreak might not get in again`;
  if (notes.waiting) return `${notes.waiting} is waiting for its time, which would have come`;
  return undefined;
}

export const clock: OperationKind<ClockOperation> = {
  ...common,
  kind: "clock",
  summary: schema.description,
  schema,
  library,
  title,
  owns: () => ["clock"],
  commands: () => ["grep", "stat", "systemctl"],
  // What is removed by age, such as /tmp or finished Jobs, goes when the clock is ahead.
  dangers: ({ skew }) => (skew > 0 ? ["data-loss"] : []),
  reach: () => "kernel",
  read: ({ skew }) => sh`clock_read ${skew} ${timeServices}`,
  refusal,
  apply: ({ skew }, before) => sh`clock_to ${offsetOf(before) + skew * 1000}`,
  restore: ({ skew }, before): Shell => {
    const { boot = "", sent = "", rtc = "", stamp = "", ahead } = before.notes;
    const stamped = skew > 0 && ahead !== "yes";
    return sh`clock_back ${boot} ${offsetOf(before)} ${sent} ${rtc} ${stamp} ${stamped}`;
  },
  inEffect: ({ skew }, before, now) => near(moved(before, now) - skew * 1000, toleranceOf(before, now)),
  restored: ({ skew }, before, now) =>
    isBack(before, now) && near(rtcMoved(before, now), TOLERANCE.rtc) && !stampLeft(skew, before, now),
  isBack: ({ skew }, { values, notes }) =>
    sh`clock_is ${notes.boot ?? ""} ${values.offset ?? ""} ${notes.rtc ?? ""} ${skew > 0 && notes.ahead !== "yes"}`,
  // Each would bring our time back, at the latest with the next start of the node; or is what a start made of it.
  remains: ({ skew }, before, now) =>
    near(rtcMoved(before, now) - skew * 1000, TOLERANCE.rtc) ||
    stampLeft(skew, before, now) ||
    setByBoot(before, now),
  // One call moves the clock: there is no half of that, only of what comes with putting it back.
  halfway: (_spec, before, now) => isBack(before, now),
  preview: (spec, before) => {
    const now = Number(field(before.notes, "now"));
    return { line: `${title(spec)}, from ${utc(now)} to ${utc(now + spec.skew)}` };
  },
};
