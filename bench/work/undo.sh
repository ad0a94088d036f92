# Takes back what apply.sh did.
set -e
sysctl -qw net.ipv4.ip_default_ttl="$(cat /var/tmp/ttl.before)"
rm /var/tmp/ttl.before
iptables -D INPUT -p udp --dport 9 -j DROP
systemctl stop node-watch.service
rm /etc/systemd/system/node-watch.service
systemctl daemon-reload
chattr -i /etc/kubernetes/kubelet.conf
mv -f /var/tmp/cri.conf.before /etc/sysctl.d/99-kubernetes-cri.conf
