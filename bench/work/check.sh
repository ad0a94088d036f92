# Prints how many of the five changes are there.
count=0
grep -q '= 0' /etc/sysctl.d/99-kubernetes-cri.conf && count=$((count + 1))
lsattr -d /etc/kubernetes/kubelet.conf | grep -q '^[^ ]*i' && count=$((count + 1))
systemctl -q is-active node-watch.service && count=$((count + 1))
iptables -C INPUT -p udp --dport 9 -j DROP 2>/dev/null && count=$((count + 1))
[ "$(sysctl -n net.ipv4.ip_default_ttl)" = 63 ] && count=$((count + 1))
echo "$count"
