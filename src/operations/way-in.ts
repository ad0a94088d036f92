import { posix } from "node:path";
import type { Danger } from "./operation.ts";

/**
 * What a login over ssh, and the root shell behind it, depend on. `*` stands for any name; what ends with a slash stands
 * for everything below it.
 */
const files: readonly string[] = [
  // sshd: its settings and keys, and how it is started.
  ...["/etc/ssh/", "/usr/sbin/sshd", "/usr/lib/openssh/", "/usr/libexec/openssh/"],
  ...["/etc/default/ssh", "/etc/sysconfig/sshd", "/etc/hosts.allow", "/etc/hosts.deny"],
  ...["/etc/systemd/system/ssh*", "/etc/systemd/system/ssh*/", "/run/systemd/system/ssh*"],
  ...["/lib/systemd/system/ssh*", "/usr/lib/systemd/system/ssh*"],
  // Who may log in, with which shell.
  ...["/etc/passwd", "/etc/shadow", "/etc/group", "/etc/nsswitch.conf", "/etc/shells", "/etc/login.defs"],
  ...["/etc/pam.conf", "/etc/pam.d/", "/etc/security/", "/usr/lib/security/", "/lib/security/"],
  ...["/etc/securetty", "/etc/nologin", "/run/nologin", "/var/run/nologin"],
  ...["/etc/sudoers", "/etc/sudoers.d/", "/etc/sudo.conf"],
  ...["/root/.ssh/", "/home/*/.ssh/"],
  // What a login shell reads before it reads anything of ours, non-interactive ones too.
  ...["/etc/profile", "/etc/profile.d/", "/etc/bash.bashrc", "/etc/bashrc", "/etc/environment", "/etc/zsh/"],
  ...["/etc/zshenv", "/etc/zshrc", "/etc/fish/", "/etc/csh.cshrc"],
  ...[
    "bashrc",
    "bash_profile",
    "bash_login",
    "profile",
    "zshenv",
    "zshrc",
    "zprofile",
    "cshrc",
    "tcshrc",
  ].flatMap((name) => [`/root/.${name}`, `/home/*/.${name}`]),
  // What every program needs.
  ...["/etc/ld.so.preload", "/etc/ld.so.conf", "/etc/ld.so.conf.d/", "/etc/ld.so.cache"],
  ...["/lib64/", "/usr/lib64/", "/lib/*-linux-*/", "/usr/lib/*-linux-*/"],
  ...[
    "sh",
    "dash",
    "bash",
    "zsh",
    "env",
    "sudo",
    "login",
    "su",
    "base64",
    "cat",
    "flock",
    "grep",
    "sed",
    "mv",
    "rm",
  ].flatMap((name) => [`/bin/${name}`, `/usr/bin/${name}`]),
  ...["/dev/null", "/dev/pts/", "/dev/urandom"],
  // How the network comes up, and what it lets pass.
  ...["/etc/network/", "/etc/netplan/", "/etc/systemd/network/", "/etc/NetworkManager/"],
  ...[
    "/etc/sysconfig/network-scripts/",
    "/etc/nftables.conf",
    "/etc/iptables/",
    "/etc/ufw/",
    "/etc/firewalld/",
  ],
];

/** Units without which nobody logs in, or which decide what the network lets pass. */
const units =
  /^(ssh|sshd|sshd-keygen|dropbear|teleport|tailscaled|dbus|dbus-broker|systemd-logind|systemd-networkd|NetworkManager|networking|network|wpa_supplicant|nftables|iptables|ip6tables|netfilter-persistent|firewalld|ufw)(@.*)?\.(service|socket)$|\.target$/;

const escaped = (text: string) => text.replace(/[.+?^${}()|[\]\\]/g, "\\$&");

const patterns = files.map((pattern) => {
  const text = escaped(pattern).replaceAll("*", "[^/]*");
  return new RegExp(pattern.endsWith("/") ? `^${text.slice(0, -1)}(/|$)` : `^${text}$`);
});

/** Whether a login depends on the file, or on something below the folder. */
function isOnTheWay(path: string): boolean {
  const normal = posix.normalize(path).replace(/(.)\/$/, "$1");
  const below = normal === "/" ? "/" : `${normal}/`;
  return patterns.some((pattern) => pattern.test(normal)) || files.some((file) => file.startsWith(below));
}

/** `lockout` when the way on which kbreak reaches a node depends on one of these files, folders or units. */
export function wayInDangers(
  paths: readonly string[],
  names: readonly (string | undefined)[] = [],
): readonly Danger[] {
  const dependent = paths.some(isOnTheWay) || names.some((name) => name !== undefined && units.test(name));
  return dependent ? ["lockout"] : [];
}
