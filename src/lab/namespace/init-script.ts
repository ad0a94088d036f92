/** What one kind of namespace node has beside what all have: lines of `sh` for places of {@link initScript}. */
export interface InitParts {
  /** In the new root: mounts of what is on the disk, `../rw`, beside the root's upper layer. */
  readonly disk: string;
  /** In the new root, while `proc/sys` can be written to: files of `run`, which is about to go, to mount elsewhere. */
  readonly proc: string;
  /** In the new root: mounts of cgroups at `sys/fs/cgroup`. */
  readonly cgroups: string;
  /** In the new root: more devices in `dev`. */
  readonly devices: string;
  /** In the node's own root, the last before systemd. */
  readonly last: string;
}

/** The parts of a node that is nothing more than the others. */
export const plainParts: InitParts = {
  disk: "",
  proc: "",
  cgroups: "mount -t cgroup2 -o rw,nosuid,nodev,noexec cgroup2 sys/fs/cgroup",
  devices: "",
  last: "",
};

/**
 * What runs as process 1 of a fresh mount, pid, uts and ipc namespace, in the node's own network and cgroup namespace;
 * it makes the node's file system and ends in systemd.
 *
 * Arguments: node's name, node's folder on the host, machine-id, the root's lower layers from the uppermost on.
 *
 * What a node can read (mount table, loop devices, links of open files) must not tell where the lab is on the host:
 * mounts are made by relative names below /mnt, and standard output goes to /dev/null at the end.
 */
export const initScript = (parts: InitParts): string => `set -eu
name=$1 folder=$2 machine_id=$3
shift 3

cd "$folder"
mkdir -p rw root
lower=
number=0
for layer in "$@"; do
  number=$((number + 1))
  mkdir -p "layer$number"
  mount --bind "$layer" "layer$number"
  lower="$lower\${lower:+:}layer$number"
done
mount --rbind . /mnt
cd /mnt

# A disk of its own: when it is full, only this node's is.
mount -o loop,noatime disk.img rw
mount -t overlay overlay -o lowerdir="$lower",upperdir=rw/upper,workdir=rw/work root
cd root
${parts.disk}

mount -t proc -o nosuid,nodev,noexec proc proc
# Only the network's sysctls are the node's own. The others, and sysrq-trigger, would hit the host.
mount --bind proc/sys proc/sys
mount --bind proc/sys/net proc/sys/net
# Each start of a node has a boot id of its own; the kernel's is that of the host.
mount -t tmpfs -o mode=755 tmpfs run
cat /proc/sys/kernel/random/uuid >run/boot_id
mount --bind run/boot_id proc/sys/kernel/random/boot_id
${parts.proc}
umount -l run
mount -o remount,bind,ro proc/sys
mount -o remount,bind,rw proc/sys/net
for path in sysrq-trigger irq bus fs; do
  [ ! -e "proc/$path" ] || { mount --bind "proc/$path" "proc/$path" && mount -o remount,bind,ro "proc/$path"; }
done

mount -t sysfs -o ro,nosuid,nodev,noexec sysfs sys
${parts.cgroups}

mount -t tmpfs -o mode=755,nosuid,size=4m tmpfs dev
mkdir dev/pts dev/shm dev/mqueue dev/net
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs dev/shm
umask 000
mknod -m 666 dev/null c 1 3
mknod -m 666 dev/zero c 1 5
mknod -m 666 dev/full c 1 7
mknod -m 666 dev/random c 1 8
mknod -m 666 dev/urandom c 1 9
mknod -m 666 dev/tty c 5 0
mknod -m 666 dev/fuse c 10 229
mknod -m 666 dev/net/tun c 10 200
${parts.devices}
umask 022
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s /proc/self/fd/0 dev/stdin
ln -s /proc/self/fd/1 dev/stdout
ln -s /proc/self/fd/2 dev/stderr

mount -t tmpfs -o mode=755,nosuid,nodev tmpfs run
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs tmp
echo "$name" >/proc/sys/kernel/hostname

mkdir run/old
pivot_root . run/old
umount -l /run/old
rmdir /run/old
${parts.last}
exec </dev/null >/dev/null 2>&1
# The clock, kernel modules and the kernel's log are the host's too.
exec env -i container=lab container_uuid="$machine_id" PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb \\
  setpriv --bounding-set -sys_time,-sys_module,-sys_rawio,-syslog,-wake_alarm,-mac_admin,-mac_override --inh-caps -all \\
  /sbin/init
`;
