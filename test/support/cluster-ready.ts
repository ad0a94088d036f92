/**
 * A script for the first control plane: waits until the API answers, all nodes and pods are well, and the control plane
 * works.
 */
export const READY = `for i in $(seq 120); do
  kubectl get --raw /readyz >/dev/null 2>&1 && break; sleep 1
done
kubectl wait --for condition=Ready node --all --timeout 120s >/dev/null
# Pods that a kubelet has evicted stay listed.
kubectl delete pod -A --field-selector status.phase=Failed >/dev/null
kubectl wait --for condition=Ready pod --all -A --timeout 120s >/dev/null
kubectl wait --for condition=Available deployment --all -A --timeout 120s >/dev/null
# One that has just started does nothing until it leads, and who leads says so every two seconds.
for one in kube-controller-manager kube-scheduler; do
  for i in $(seq 60); do
    renewed=$(kubectl -n kube-system get lease "$one" -o jsonpath='{.spec.renewTime}')
    [ $(($(date +%s) - $(date -d "$renewed" +%s))) -gt 5 ] || break
    sleep 1
  done
done`;
