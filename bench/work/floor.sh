# floor.sh CONFIG NODE...: one connection and one `true` for each node, all at once.
config=$1
shift
pids=
for node in "$@"; do
  ssh -F "$config" "$node" true &
  pids="$pids $!"
done
failed=0
for pid in $pids; do wait "$pid" || failed=1; done
exit "$failed"
