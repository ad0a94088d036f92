import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import type { Fingerprint } from "../src/fingerprint/types.ts";
import { labRescue } from "../src/lab/lab.ts";
import {
  cron,
  editFile,
  firewallRule,
  linkFile,
  mode,
  unit,
  writeFile,
} from "../src/operations/constructors.ts";
import type { AnyOperation } from "../src/operations/index.ts";
import { type Bench, changesSince, look, on, useBench } from "./support/bench.ts";
import type { TestNode } from "./support/lab.ts";

/** Undo must not need what the break took away: each test takes something, and has nothing left afterwards. */

let bench: Bench;
let cp1: TestNode;
let before: Fingerprint;

const scheduler = "/etc/kubernetes/scheduler.conf";
const manifest = "/etc/kubernetes/manifests/kube-scheduler.yaml";

beforeAll(async () => {
  bench = await useBench({ nodes: "1+0", fresh: true });
  cp1 = bench.lab.node("cp1");
  before = await look(cp1);
});
afterEach(() => bench?.undoAll());
afterAll(() => bench?.end());

const left = () => changesSince(cp1, before);

async function breakIt(...operations: readonly AnyOperation[]): Promise<string> {
  const text = JSON.stringify({ name: "taken", steps: [{ operations }] });
  return bench.apply(await bench.playbook(text));
}

async function isUndone(...runs: readonly string[]): Promise<void> {
  for (const run of runs) expect(await bench.undo(run)).toMatchObject({ complete: true, kept: 0 });
  expect(await left()).toEqual([]);
}

/** What undoing needs chmod, systemctl and iptables for. */
const usual = [
  editFile(scheduler, [{ find: "kind: Config", with: "kind: Comfig" }]),
  unit("atd.service", { active: false, enabled: "masked" }),
  firewallRule(["-p", "tcp", "--dport", "6443", "-j", "DROP"]),
];

it("chmod that nobody may execute", async () => {
  await isUndone(await breakIt(...usual, mode("/usr/bin/chmod", { mode: "0644" })));
});

it.each([
  ["leads to false", [linkFile("/usr/bin/sh", "/usr/bin/false")]],
  ["leads nowhere", [linkFile("/usr/bin/sh", "/usr/bin/ssh-shell")]],
  ["is no program", [writeFile("/usr/bin/sh", "\u0000\u0001", { mode: "0755" })]],
  ["may not be executed, nor dash", [mode("/usr/bin/dash", { mode: "0644" })]],
])("/bin/sh that %s", async (_what, taken) => {
  const run = await breakIt(...usual, ...taken);
  expect((await cp1.exec("/bin/sh -c 'exit 42'")).code).not.toBe(42);
  await isUndone(run);
});

it("systemctl shadowed by a program, an alias and a function; TMOUT=3; a PROMPT_COMMAND that breaks", async () => {
  const trap = [
    "systemctl() { return 0; }; export -f systemctl",
    "alias systemctl=true chmod=true",
    "export TMOUT=3 BASH_ENV=/etc/profile.d/zz-locale.sh ENV=/etc/profile.d/zz-locale.sh",
    `PROMPT_COMMAND="sed -i s/=true/=truee/ ${manifest}"`,
    "export PROMPT_COMMAND PATH=/usr/local/bin:/usr/bin:/bin",
  ].join("\n");
  const run = await breakIt(
    ...usual,
    writeFile("/usr/local/bin/systemctl", "#!/bin/sh\nexit 0\n", { mode: "0755" }),
    writeFile("/etc/profile.d/zz-locale.sh", `${trap}\n`),
    // Debian's bash reads it for every command that sshd runs.
    writeFile("/root/.bashrc", `${trap}\n`),
  );
  expect(await on(cp1, "type -t systemctl; echo $TMOUT")).toBe("function\n3\n");
  await isUndone(run);
});

it("a unit, a path unit and a line of cron that break the same file again, all at once", async () => {
  const script = "/usr/local/lib/locale-cache";
  // In place, as a file that is made anew moves the folder's time, and one after the other: all are fast.
  const turn = (from: string, to: string) =>
    `exec 8<${script}; flock 8; text=$(cat ${manifest}); case $text in *=${from}"\n"*) printf '%s\\n' "$text" | sed 's/=${from}$/=${to}/' > ${manifest} ;; esac`;
  const file = (name: string) => `/etc/systemd/system/${name}`;
  const service = (command: string) => `[Service]\nExecStart=${command}\n`;
  const run = await breakIt(
    editFile(manifest, [{ find: "--leader-elect=true", with: "--leader-elect=truee" }]),
    writeFile(script, `#!/bin/sh\n${turn("true", "truee")}\n`, { mode: "0755" }),
    writeFile(file("locale-cache.service"), service(`/bin/sh -c 'while sleep 1; do ${script}; done'`), {
      reload: "locale-cache.service",
    }),
    unit("locale-cache.service", { active: true }),
    writeFile(file("locale-update.service"), service(script), { reload: "locale-update.service" }),
    writeFile(file("locale-update.path"), `[Path]\nPathChanged=${manifest}\n`, {
      reload: "locale-update.path",
    }),
    unit("locale-update.path", { active: true }),
    cron("locale", script),
  );
  await on(cp1, turn("truee", "true"));
  await expect.poll(() => on(cp1, `cat ${manifest}`), { timeout: 60_000 }).toContain("=truee");
  await isUndone(run);
});

it("a preloaded library that is not there, so that every program complains", async () => {
  const noise = await breakIt(writeFile("/etc/ld.so.preload", "/usr/lib/libprocess.so\n"));
  expect((await cp1.exec("true")).stderr + (await cp1.exec("ls /")).stderr).toContain("cannot be preloaded");
  await isUndone(await breakIt(...usual), noise);
});

it("the last block of the node's disk", async () => {
  const run = await breakIt(
    ...usual,
    writeFile("/etc/profile.d/locale.sh", "x".repeat(50_000)),
    linkFile("/usr/local/bin/kubectl", "/usr/bin/false"),
  );
  await on(
    cp1,
    `fallocate -l "$(( $(df -B1 --output=avail / | tail -n 1) - 4000000 ))" /var/tmp/ballast
     cat /dev/zero > /var/tmp/ballast.rest 2>/dev/null || :
     while dd if=/dev/zero of=/var/tmp/ballast.rest bs=4k count=1 oflag=append conv=notrunc,fsync 2>/dev/null; do :; done`,
  );
  try {
    expect((await cp1.exec("head -c 100000 /dev/zero > /var/tmp/more")).stderr).toMatch(/No space left/);
    expect(await bench.undo(run)).toMatchObject({ complete: true, kept: 0 });
  } finally {
    await on(cp1, "rm -f /var/tmp/ballast* /var/tmp/more");
  }
  await isUndone(run);
});

it("a third of the packets on the way in", async () => {
  const rule = "INPUT -p tcp --dport 22 -m statistic --mode random --probability 0.3 -j DROP";
  const rescue = (command: string) => labRescue(bench.lab.name, "cp1", command);
  const run = await breakIt(...usual);
  expect(await rescue(`iptables -I ${rule}`)).toBe(0);
  try {
    // A login of a dozen packets may take longer than it is given: then it is typed again.
    await expect.poll(() => bench.undo(run), { timeout: 110_000 }).toMatchObject({ complete: true, kept: 0 });
  } finally {
    await rescue(`iptables -D ${rule}; nft delete table ip filter`);
  }
  await isUndone(run);
});
