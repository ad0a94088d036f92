const builtins =
  "cd export unset set test [ true false : echo printf read exit return eval exec type command";
const keywords = "if then else elif fi for while until do done case esac { } ! in time";
const coreutils =
  "basename cat chgrp chmod chown cp cut date dd df dirname du env expr head id install ln ls mkdir mktemp mv nl nproc od paste printenv pwd readlink realpath rm rmdir sha256sum sleep sort split stat stdbuf sync tac tail tee timeout touch tr truncate uniq wc whoami";
const others =
  "sh bash awk sed grep egrep fgrep find xargs diff cmp tar gzip zcat mount umount findmnt mountpoint lsblk losetup blkid fallocate flock nsenter unshare setsid dmesg hostname getent ps pgrep pkill kill free top uptime sysctl systemctl journalctl loginctl hostnamectl timedatectl ip ss tc bridge swapon swapoff mkswap chattr lsattr dpkg apt-get ldd ldconfig login su less modprobe lsmod rmmod";

/** What every Debian node has without being told: essential and important packages, and the shell's own words. */
const everywhere = new Set([builtins, coreutils, others].join(" ").split(" "));
const skipped = new Set(keywords.split(" "));

/** The programs that a fixer's command line calls and that not every Debian node has. */
export function specialPrograms(line: string): readonly string[] {
  return [...new Set(simpleCommands(line).flatMap(programOf))].filter((name) => !everywhere.has(name));
}

/** The simple commands of a command line; those in `$(…)`, and quoted scripts of `sh -c`, are commands, too. */
function simpleCommands(line: string): readonly string[] {
  const inner = [...line.matchAll(/\$\(((?:[^()]|\([^()]*\))*)\)/g)].flatMap(([, text = ""]) =>
    simpleCommands(text),
  );
  const scripts = [...line.matchAll(/\b(?:ba)?sh -l?c '([^']*)'/g)].flatMap(([, text = ""]) =>
    simpleCommands(text),
  );
  const bare = line
    .replaceAll(/\$\((?:[^()]|\([^()]*\))*\)/g, "SUBSTITUTED")
    .replaceAll(/'[^']*'|"(?:[^"\\]|\\.)*"/g, "QUOTED");
  return [...bare.split(/[|;&\n()`]+/).map((part) => part.trim()), ...inner, ...scripts];
}

function programOf(command: string): readonly string[] {
  const words = command.split(/\s+/).filter((word) => !/^\d*[<>]/.test(word));
  const at = words.findIndex((word) => !skipped.has(word) && !/^\w+=/.test(word));
  const word = words[at];
  if (word === undefined || words[at - 1] === "for" || words[at - 1] === "in") return [];
  const name = word.slice(word.lastIndexOf("/") + 1);
  // The dynamic loader, and what is only known when the line runs.
  if (!/^[a-z][\w.-]*$/.test(name) || name.startsWith("ld-")) return [];
  const behind = words.slice(at + 1).filter((one) => !/^-/.test(one));
  const started = ["xargs", "timeout", "nsenter"].includes(name)
    ? behind.slice(name === "timeout" ? 1 : 0, 2)
    : [];
  return [name, ...started.filter((one) => /^[a-z][a-z-]+$/.test(one)).slice(0, 1)];
}
