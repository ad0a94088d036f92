# loop.sh CONFIG CONTROL SCRIPT NODE...: a script on all nodes at once, over connections that are kept for the next one.
config=$1 control=$2 script=$3
shift 3
pids=
for node in "$@"; do
  ssh -F "$config" -o ControlMaster=auto -o ControlPersist=60 -o ControlPath="$control/%C" "$node" sh -s <"$script" &
  pids="$pids $!"
done
failed=0
for pid in $pids; do wait "$pid" || failed=1; done
exit "$failed"
