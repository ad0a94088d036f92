# The work of ../breaks/bench/five-changes.ts as somebody writes it by hand.
set -e
cp -p /etc/sysctl.d/99-kubernetes-cri.conf /var/tmp/cri.conf.before
sed -i 's/= 1/= 0/' /etc/sysctl.d/99-kubernetes-cri.conf
chattr +i /etc/kubernetes/kubelet.conf
printf '[Service]\nExecStart=/bin/sleep infinity\n' >/etc/systemd/system/node-watch.service
systemctl daemon-reload
systemctl start node-watch.service
iptables -I INPUT -p udp --dport 9 -j DROP
sysctl -n net.ipv4.ip_default_ttl >/var/tmp/ttl.before
sysctl -qw net.ipv4.ip_default_ttl=63
