/** One difference that is put on a node, where it must be seen, and how it is taken away again. */
export interface Plant {
  readonly what: string;
  readonly plant: string;
  /** `section` and key, or a pattern of keys; exactly these must differ. */
  readonly seen: readonly (readonly [section: string, key: string | RegExp])[];
  readonly remove: string;
}

const play = "/srv/play";

/** 2023-11-14T22:13:20.000000001Z: an old time with nanoseconds of its own. */
const stamp = "@1700000000.000000001";

/** Files that were written long before the first look, the last two of the same size and time; and copies to put back. */
const [motd, profile, bashrc, info] = [
  ...["/usr/share/base-files/motd", "/usr/share/base-files/profile"],
  ...["/usr/share/base-files/dot.bashrc", "/usr/share/base-files/info.dir"],
] as const;
const [chpasswd, newusers] = ["/etc/pam.d/chpasswd", "/etc/pam.d/newusers"] as const;
const aside = `${play}/aside`;

/** Made before the first look at which {@link cheats} are planted. */
export const groundOfCheats = `
mkdir -p ${aside}
cp -p ${motd} ${profile} ${chpasswd} ${newusers} ${aside}
`;

/** What tries to pass for a path that nobody wrote to. */
export const cheats: readonly Plant[] = [
  {
    what: "bytes written into an old file, whose size and time are put back",
    plant: `tr a-z b-za < ${aside}/motd > ${motd}; touch -r ${aside}/motd ${motd}`,
    seen: [["contents", motd]],
    remove: `cat ${aside}/motd > ${motd}; touch -r ${aside}/motd ${motd}`,
  },
  {
    what: "an old file in whose place is another of the same size and time",
    plant: `cp -p ${aside}/profile ${profile}.new; tr a-z b-za < ${aside}/profile > ${profile}.new
touch -r ${aside}/profile ${profile}.new; mv ${profile}.new ${profile}`,
    seen: [["contents", profile]],
    remove: `cp -p ${aside}/profile ${profile}`,
  },
  {
    what: "an old file that is now a hard link to another of the same size and time",
    plant: `ln -f ${newusers} ${chpasswd}`,
    seen: [["contents", chpasswd]],
    remove: `rm ${chpasswd}; cp -p ${aside}/chpasswd ${chpasswd}`,
  },
  {
    what: "an attribute flag on an old file",
    plant: `chattr +i ${bashrc}`,
    seen: [["attributes", bashrc]],
    remove: `chattr -i ${bashrc}`,
  },
  {
    what: "an extended attribute on an old file, whose time is put back",
    plant: `setfattr -n user.play -v 1 ${info}; touch -r ${info} ${info}`,
    seen: [["attributes", info]],
    remove: `setfattr -x user.play ${info}`,
  },
  {
    what: "an access control list on an old folder",
    plant: "setfacl -m u:1:r /etc/pam.d",
    seen: [["attributes", "/etc/pam.d"]],
    remove: "setfacl -b /etc/pam.d",
  },
];

/** Made before the first look, so that there is something to change. */
export const ground = `
umask 022
mkdir -p ${play}/mount ${play}/bound ${play}/tree/deep
cd ${play}
for f in mode owner time flags xattr acl gone same grown kind; do printf 'text\\n' > $f; touch -d '${stamp}' $f; done
ln -s first link
touch -h -d '${stamp}' link
mknod device c 1 3
printf 'other\\n' > other
mkdir -p /etc/systemd/system/atd.service.d
printf '[Service]\\nType=exec\\nExecStart=/usr/bin/sleep 100001\\n' > /etc/systemd/system/play-stopped.service
printf '[Service]\\nType=exec\\nExecStart=/usr/bin/sleep 100002\\n' > /etc/systemd/system/play-running.service
printf '[Service]\\nType=exec\\nExecStart=/usr/bin/sleep 100003\\n' > /etc/systemd/system/play-frozen.service
printf '[Service]\\nType=oneshot\\nExecStart=/usr/bin/false\\n' > /etc/systemd/system/play-failing.service
printf '[Service]\\nType=exec\\nExecStart=/usr/bin/sleep 100004\\n[Install]\\nWantedBy=multi-user.target\\n' \\
  > /etc/systemd/system/play-disabled.service
systemctl daemon-reload
systemctl start play-running play-frozen
setsid sleep 100005 </dev/null >/dev/null 2>&1 &
ip link add play0 type veth peer name play1
ip link set play0 up
ip link set play1 up
ip link add play2 type veth peer name play3
ip link set play2 up
ip link set play2 down
${groundOfCheats}
until [ -z "$(ip -6 address show tentative)" ]; do sleep 0.1; done
iptables-nft -A INPUT -p tcp -j ACCEPT
iptables-legacy -A INPUT -p tcp -j ACCEPT
ask put /play/changed before
ask put /play/gone before
ask put /play/big "$(head -c 30000 /dev/zero | tr '\\0' b)"
`;

/** Folders in which cheats add or remove names. */
export const foldersOfCheats: readonly string[] = ["/usr/share/base-files", "/etc/pam.d"];

/** Where plants add or remove names: these folders' times are put back after the plants are gone. */
export const timedFolders: readonly string[] = [
  ...[play, `${play}/tree/deep`, "/etc/systemd/system", "/etc/systemd/system/multi-user.target.wants"],
  ...["/etc/systemd/system/atd.service.d", "/var/spool/cron/crontabs", "/var/spool/cron"],
  ...foldersOfCheats,
];

/** A script that prints the commands that set folders' times as they are now. */
export const timesOf = (folders: readonly string[]) =>
  `stat -c 'touch -d "%y" "%n"' ${folders.map((folder) => `'${folder}'`).join(" ")}`;

const file = (name: string): readonly (readonly [string, string])[] => [
  ["files", `${play}/${name}`],
  ["contents", `${play}/${name}`],
];

/** A file whose name is given as for printf; `shown` is its key. */
function named(what: string, name: string, shown: string): Plant {
  return {
    what: `a file whose name has ${what}`,
    plant: `cd ${play}; name=$(printf -- '${name}.'); : > "./\${name%.}"`,
    seen: file(shown),
    remove: `cd ${play}; name=$(printf -- '${name}.'); rm -- "./\${name%.}"`,
  };
}

const process = (pattern: string) => `kill -KILL $(pgrep -f -x '${pattern}')`;

export const plants: readonly Plant[] = [
  ...cheats,

  // files
  { what: "a new file", plant: `: > ${play}/new`, seen: file("new"), remove: `rm ${play}/new` },
  named("a newline and a trailing newline", "a\\nb\\n", "a\\x0ab\\x0a"),
  named("quotes and blanks", "\\047 \\042 $(x) \\140y\\140", "' \" $(x) `y`"),
  named("a leading dash", "-rf", "-rf"),
  named("a backslash", "a\\\\nb", "a\\\\nb"),
  named("invalid UTF-8", "bad\\377name\\200", "bad\\xffname\\x80"),
  named("Cyrillic that looks Latin", "\\320\\260dmin", "аdmin"),
  named("control characters", "\\033[2J\\r", "\\x1b[2J\\x0d"),
  {
    what: "a missing file",
    plant: `rm ${play}/gone`,
    seen: file("gone"),
    remove: `printf 'text\\n' > ${play}/gone; touch -d '${stamp}' ${play}/gone`,
  },
  {
    what: "a file that grew",
    plant: `printf x >> ${play}/grown`,
    seen: file("grown"),
    remove: `printf 'text\\n' > ${play}/grown; touch -d '${stamp}' ${play}/grown`,
  },
  {
    what: "other bytes of the same size and time",
    plant: `printf 'tEXT\\n' > ${play}/same; touch -d '${stamp}' ${play}/same`,
    seen: [["contents", `${play}/same`]],
    remove: `printf 'text\\n' > ${play}/same; touch -d '${stamp}' ${play}/same`,
  },
  {
    what: "a mode",
    plant: `chmod 4755 ${play}/mode`,
    seen: [["files", `${play}/mode`]],
    remove: `chmod 0644 ${play}/mode`,
  },
  {
    what: "an owner",
    plant: `chown 1:0 ${play}/owner`,
    seen: [["files", `${play}/owner`]],
    remove: `chown 0:0 ${play}/owner`,
  },
  {
    what: "a modification time, by a nanosecond",
    plant: `touch -d '@1700000000.000000002' ${play}/time`,
    seen: [["files", `${play}/time`]],
    remove: `touch -d '${stamp}' ${play}/time`,
  },
  {
    what: "a symbolic link's target",
    plant: `ln -sfn second ${play}/link`,
    seen: [["files", `${play}/link`]],
    remove: `ln -sfn first ${play}/link; touch -h -d '${stamp}' ${play}/link`,
  },
  {
    what: "another type",
    plant: `rm ${play}/kind; mkfifo ${play}/kind`,
    seen: file("kind"),
    remove: `rm ${play}/kind; printf 'text\\n' > ${play}/kind; touch -d '${stamp}' ${play}/kind`,
  },
  {
    what: "a file far down",
    plant: `: > ${play}/tree/deep/new`,
    seen: [...file("tree/deep/new"), ["files", `${play}/tree/deep`]],
    remove: `rm ${play}/tree/deep/new`,
  },
  {
    what: "a file in /tmp",
    plant: ": > /tmp/play",
    seen: [
      ["files", "/tmp/play"],
      ["contents", "/tmp/play"],
    ],
    remove: "rm /tmp/play",
  },
  {
    what: "a file in /run",
    plant: ": > /run/play",
    seen: [
      ["files", "/run/play"],
      ["contents", "/run/play"],
    ],
    remove: "rm /run/play",
  },
  {
    what: "a file in /dev/shm",
    plant: ": > /dev/shm/play",
    seen: [
      ["files", "/dev/shm/play"],
      ["contents", "/dev/shm/play"],
    ],
    remove: "rm /dev/shm/play",
  },
  {
    what: "a sparse file of a terabyte",
    plant: `truncate -s 1T ${play}/sparse`,
    seen: file("sparse"),
    remove: `rm ${play}/sparse`,
  },
  {
    what: "another device behind the same name",
    plant: `rm ${play}/device; mknod ${play}/device c 1 5`,
    seen: [["attributes", `${play}/device`]],
    remove: `rm ${play}/device; mknod ${play}/device c 1 3`,
  },
  {
    what: "an attribute flag",
    plant: `chattr +i ${play}/flags`,
    seen: [["attributes", `${play}/flags`]],
    remove: `chattr -i ${play}/flags`,
  },
  {
    what: "an attribute flag on etcd's own database, whose bytes are not compared",
    plant: "chattr +a /var/lib/etcd/member/snap/db",
    seen: [["attributes", "/var/lib/etcd/member/snap/db"]],
    remove: "chattr -a /var/lib/etcd/member/snap/db",
  },
  {
    what: "an extended attribute",
    plant: `setfattr -n user.play -v 1 ${play}/xattr`,
    seen: [["attributes", `${play}/xattr`]],
    remove: `setfattr -x user.play ${play}/xattr`,
  },
  {
    what: "an access control list",
    plant: `setfacl -m u:1:r ${play}/acl`,
    seen: [["attributes", `${play}/acl`]],
    remove: `setfacl -b ${play}/acl`,
  },

  // mounts
  {
    what: "a bind mount over a file",
    plant: `mount --bind ${play}/other /etc/hostname`,
    seen: [
      ["mounts", "/etc/hostname"],
      ["files", "/etc/hostname"],
      ["contents", "/etc/hostname"],
      ["units", "etc-hostname.mount"],
    ],
    remove: "umount /etc/hostname",
  },
  {
    what: "a file system in memory, and a file in it",
    plant: `mount -t tmpfs play ${play}/mount; : > ${play}/mount/inside`,
    seen: [
      ["mounts", `${play}/mount`],
      ["files", `${play}/mount`],
      ...file("mount/inside"),
      ["units", "srv-play-mount.mount"],
    ],
    remove: `umount ${play}/mount`,
  },

  // systemd
  {
    what: "an enabled unit",
    plant: "systemctl enable play-disabled",
    seen: [
      ["unit files", "play-disabled.service"],
      ["files", "/etc/systemd/system/multi-user.target.wants/play-disabled.service"],
      ["files", "/etc/systemd/system/multi-user.target.wants"],
    ],
    remove: "systemctl disable play-disabled",
  },
  {
    what: "a masked unit",
    plant: "systemctl mask --runtime e2scrub_all.service",
    seen: [
      ["unit files", "e2scrub_all.service"],
      ["files", "/run/systemd/system/e2scrub_all.service"],
    ],
    remove: "systemctl unmask --runtime e2scrub_all.service",
  },
  {
    what: "a started unit",
    plant: "systemctl start play-stopped",
    seen: [
      ["units", "play-stopped.service"],
      ["processes", "root /usr/bin/sleep 100001"],
    ],
    remove: "systemctl stop play-stopped",
  },
  {
    what: "a stopped unit",
    plant: "systemctl stop play-running",
    seen: [
      ["units", "play-running.service"],
      ["processes", "root /usr/bin/sleep 100002"],
    ],
    remove: "systemctl start play-running",
  },
  {
    what: "a failed unit",
    plant: "systemctl start play-failing || :",
    seen: [["units", "play-failing.service"]],
    remove: "systemctl reset-failed play-failing",
  },
  {
    what: "a frozen unit",
    plant: "systemctl freeze play-frozen",
    seen: [
      ["units", "play-frozen.service"],
      ["cgroups", "/system.slice/play-frozen.service cgroup.freeze"],
    ],
    remove: "systemctl thaw play-frozen",
  },
  {
    what: "a drop-in that systemd has not read yet",
    plant: "printf '[Service]\\nNice=1\\n' > /etc/systemd/system/atd.service.d/play.conf",
    seen: [
      ["units", "atd.service"],
      ["files", "/etc/systemd/system/atd.service.d/play.conf"],
      ["contents", "/etc/systemd/system/atd.service.d/play.conf"],
      ["files", "/etc/systemd/system/atd.service.d"],
    ],
    remove: "rm /etc/systemd/system/atd.service.d/play.conf",
  },
  {
    what: "an environment variable for all units",
    plant: "systemctl set-environment PLAY=1",
    seen: [["environment", "PLAY"]],
    remove: "systemctl unset-environment PLAY",
  },

  // jobs
  {
    what: "a crontab",
    plant: "echo '0 0 1 1 * true' | crontab -",
    seen: [
      ["files", "/var/spool/cron/crontabs/root"],
      ["contents", "/var/spool/cron/crontabs/root"],
      ["files", "/var/spool/cron/crontabs"],
    ],
    remove: "crontab -r",
  },
  {
    what: "a job of at",
    plant: "echo true | at now + 300 days",
    seen: [
      ["at queue", / a root$/],
      ["files", /^\/var\/spool\/cron\/atjobs\/a/],
      ["contents", /^\/var\/spool\/cron\/atjobs\/a/],
    ],
    remove: "atrm $(atq | cut -f 1)",
  },

  // processes and sockets
  {
    what: "a process",
    plant: "setsid sleep 100006 </dev/null >/dev/null 2>&1 &",
    seen: [["processes", "root sleep 100006"]],
    remove: process("sleep 100006"),
  },
  {
    what: "one process more of a command line that is there already",
    plant: "setsid sleep 100005 </dev/null >/dev/null 2>&1 &",
    seen: [["processes", "root sleep 100005"]],
    remove: "kill -KILL $(pgrep -n -f -x 'sleep 100005')",
  },
  {
    what: "a stopped process",
    plant: "pkill -STOP -x cron",
    seen: [
      ["processes", "root /usr/sbin/cron -f"],
      ["processes", "root stopped /usr/sbin/cron -f"],
    ],
    remove: "pkill -CONT -x cron",
  },
  {
    what: "a listening socket",
    plant: "setsid nc -l 127.0.0.1 65002 </dev/null >/dev/null 2>&1 &",
    seen: [
      ["sockets", "tcp 127.0.0.1:65002"],
      ["processes", "root nc -l 127.0.0.1 65002"],
    ],
    remove: process("nc -l 127.0.0.1 65002"),
  },
  {
    what: "a UDP socket",
    plant: "setsid nc -u -l 127.0.0.1 65003 </dev/null >/dev/null 2>&1 &",
    seen: [
      ["sockets", "udp 127.0.0.1:65003"],
      ["processes", "root nc -u -l 127.0.0.1 65003"],
    ],
    remove: process("nc -u -l 127.0.0.1 65003"),
  },

  // network
  {
    what: "an MTU",
    plant: "ip link set play0 mtu 1400",
    seen: [
      ["links", "play0"],
      ["sysctls", "net.ipv6.conf.play0.mtu"],
    ],
    remove: "ip link set play0 mtu 1500",
  },
  {
    what: "an interface that is up",
    plant: "ip link set play2 up",
    seen: [["links", /^play[23]$/]],
    remove: "ip link set play2 down",
  },
  {
    what: "an address",
    plant: "ip address add 10.99.0.1/24 dev play0",
    seen: [
      ["addresses", "play0 10.99.0.1/24"],
      ["routes", /^v4 .* 10\.99\.0\./],
    ],
    remove: "ip address del 10.99.0.1/24 dev play0",
  },
  {
    what: "a route of another table",
    plant: "ip route add blackhole 10.98.0.0/16 table 100",
    seen: [["routes", "v4 blackhole 10.98.0.0/16 table 100"]],
    remove: "ip route del blackhole 10.98.0.0/16 table 100",
  },
  {
    what: "an IPv6 route",
    plant: "ip -6 route add blackhole fd98::/64",
    seen: [["routes", "v6 blackhole fd98::/64 table main"]],
    remove: "ip -6 route del blackhole fd98::/64",
  },
  {
    what: "a policy routing rule",
    plant: "ip rule add priority 777 to 10.97.0.0/16 table 100",
    seen: [["rules", "v4 priority 777"]],
    remove: "ip rule del priority 777",
  },
  {
    what: "a neighbour set by hand",
    plant: "ip neighbour add 10.96.0.1 lladdr 02:00:00:00:00:07 dev play1 nud permanent",
    seen: [["neighbours", "play1 10.96.0.1"]],
    remove: "ip neighbour del 10.96.0.1 dev play1",
  },
  {
    what: "a queueing discipline, its class and its filter",
    plant: `tc qdisc add dev play1 root handle 7: htb
tc class add dev play1 parent 7: classid 7:1 htb rate 1mbit
tc filter add dev play1 parent 7: protocol ip prio 1 u32 match ip dport 6443 0xffff flowid 7:1`,
    seen: [
      ["traffic", "play1 qdisc root"],
      ["traffic", "play1 class 7:"],
      ["traffic", "play1 filter 7:"],
      ["links", "play1"],
    ],
    remove: "tc qdisc del dev play1 root",
  },
  {
    what: "a filter on incoming packets",
    plant: `tc qdisc add dev play3 clsact
tc filter add dev play3 ingress protocol ip prio 1 u32 match ip dport 6443 0xffff flowid 1:1`,
    seen: [
      ["traffic", "play3 qdisc parent ffff:fff1"],
      ["traffic", "play3 filter ingress"],
    ],
    remove: "tc qdisc del dev play3 clsact",
  },
  ...["iptables", "ip6tables"].flatMap((command) => [
    {
      what: `a rule of ${command}-legacy`,
      plant: `${command}-legacy -I INPUT -p tcp --dport 65004 -j DROP`,
      seen: [
        [`${command}-legacy`, "filter INPUT"],
        [`${command}-legacy`, "filter INPUT: -p tcp -m tcp --dport 65004 -j DROP"],
      ] as const,
      remove: `${command}-legacy -D INPUT -p tcp --dport 65004 -j DROP`,
    },
  ]),
  {
    what: "a rule of iptables-nft",
    plant: "iptables-nft -I INPUT -p tcp --dport 65004 -j DROP",
    seen: [
      ["iptables-nft", "filter INPUT"],
      ["iptables-nft", "filter INPUT: -p tcp -m tcp --dport 65004 -j DROP"],
      ["nftables", "table ip filter chain INPUT"],
      ["nftables", /^table ip filter chain INPUT: .*65004.* drop$/],
    ],
    remove: "iptables-nft -D INPUT -p tcp --dport 65004 -j DROP",
  },
  {
    what: "a policy of ip6tables-nft",
    plant: "ip6tables-nft -P FORWARD DROP",
    seen: [
      ["ip6tables-nft", "filter FORWARD"],
      ["nftables", /^table ip6 filter/],
    ],
    remove: "ip6tables-nft -P FORWARD ACCEPT; nft delete table ip6 filter",
  },
  {
    what: "a table of nftables",
    plant:
      "nft 'table inet play { chain drops { type filter hook input priority 0; tcp dport 65005 drop; }; }'",
    seen: [["nftables", /^table inet play/]],
    remove: "nft delete table inet play",
  },

  // kernel
  {
    what: "a sysctl",
    plant: "echo 2 > /proc/sys/net/ipv4/conf/play1/rp_filter",
    seen: [["sysctls", "net.ipv4.conf.play1.rp_filter"]],
    remove: "echo 0 > /proc/sys/net/ipv4/conf/play1/rp_filter",
  },

  // etcd
  {
    what: "a new key",
    plant: "ask put /play/new now; ask put /play/new/er now",
    seen: [
      ["etcd", "key /play/new"],
      ["etcd", "key /play/new/er"],
      ["etcd", "count of keys"],
    ],
    remove: "ask del --prefix /play/new",
  },
  {
    what: "a changed key",
    plant: "ask put /play/changed after",
    seen: [["etcd", "key /play/changed"]],
    remove: "ask put /play/changed before",
  },
  {
    what: "a missing key",
    plant: "ask del /play/gone",
    seen: [["etcd", "key /play/gone"]],
    remove: "ask put /play/gone before",
  },
  {
    what: "a long value that is hashed on the node",
    plant: `ask put /play/big "$(head -c 30000 /dev/zero | tr '\\0' c)"`,
    seen: [["etcd", "key /play/big"]],
    remove: `ask put /play/big "$(head -c 30000 /dev/zero | tr '\\0' b)"`,
  },
];

/** Put alone: they change what the others need. */
export const lonely: readonly Plant[] = [
  {
    what: "an alarm of etcd",
    plant: `member=$(ask member list | cut -d , -f 1)
pki=/etc/kubernetes/pki/etcd
curl -sf --cacert $pki/ca.crt --cert $pki/healthcheck-client.crt --key $pki/healthcheck-client.key \\
  https://127.0.0.1:2379/v3/maintenance/alarm \\
  -d "{\\"action\\":\\"ACTIVATE\\",\\"memberID\\":\\"$(printf '%u' "0x$member")\\",\\"alarm\\":\\"NOSPACE\\"}"`,
    seen: [["etcd", "alarm NOSPACE"]],
    remove: "ask alarm disarm",
  },
  {
    what: "a member of etcd",
    plant: "ask member add other --learner --peer-urls=https://127.0.0.1:2390",
    seen: [["etcd", "member that has not started"]],
    remove: "ask member remove $(ask member list | grep unstarted | cut -d , -f 1)",
  },
  {
    what: "a host name",
    plant: "hostname other",
    seen: [
      ["host", "hostname"],
      ["sysctls", "kernel.hostname"],
    ],
    remove: "hostname $(cat /etc/hostname)",
  },
  {
    what: "etcd that does not run",
    plant: "systemctl stop etcd",
    seen: [
      ["skipped", "etcd"],
      ["units", "etcd.service"],
      ["processes", /\/etcd\b/],
      ["sockets", /:23(79|80|81)$/],
    ],
    remove: "systemctl start etcd",
  },
  {
    what: "a program that is missing",
    plant: "chmod a-x /usr/sbin/tc",
    seen: [
      ["skipped", "traffic"],
      ["files", /^(\/usr)?\/s?bin\/tc$/],
    ],
    remove: "chmod a+x /usr/sbin/tc",
  },
];

/** etcdctl with the lab's certificates, for the scripts above. */
export const ask = `
ask() {
  pki=/etc/kubernetes/pki/etcd
  ETCDCTL_API=3 etcdctl --endpoints=https://127.0.0.1:2379 --cacert=$pki/ca.crt --cert=$pki/healthcheck-client.crt \\
    --key=$pki/healthcheck-client.key "$@"
}
`;
