import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connect } from "../src/transport/connect.ts";
import type { Connect, Connection } from "../src/transport/transport.ts";
import { type Bench, connectTo, useBench } from "./support/bench.ts";

let bench: Bench;
let connection: Connection;
let secrets: readonly string[];
/** Where the name is on a node that has not met kbreak: letters by chance in programs of the distribution. */
let chance: readonly string[];

beforeAll(async () => {
  bench = await useBench({ nodes: "1+0", fresh: true });
  connection = await connectTo(bench.lab.node("cp1"));
  secrets = await readSecrets();
  chance = await search();
});
afterAll(async () => {
  await connection?.close();
  await bench?.end();
});

/** Runs a script of the test's, sent as kbreak sends its own: by standard input. */
async function run(script: string, deadline = 60_000): Promise<string> {
  const outcome = await connection.run(`${script}\n`, { deadline });
  if (outcome.kind === "exited" && outcome.code === 0) return outcome.stdout;
  throw new Error(JSON.stringify(outcome));
}

/** A pattern that does not find itself. */
const name = "[k]break";

/** Each prints where the name is, a line a place; nothing when it is nowhere. */
const places: readonly (readonly [string, string])[] = [
  [
    "contents of files",
    `find / \\( -path /proc -o -path /sys \\) -prune -o -type f -print0 | xargs -0 grep -lai -e '${name}' -- || :`,
  ],
  [
    "names of files and targets of links",
    `find / \\( -path /proc -o -path /sys \\) -prune -o \\( -iname '*${name}*' -o -ilname '*${name}*' \\) -print`,
  ],
  [
    "extended attributes",
    `getfattr -R -d -m - --absolute-names /etc /usr/local /var/tmp /root 2>/dev/null | grep -i '${name}' || :`,
  ],
  [
    "command lines, environments, names and open files of processes",
    `for process in /proc/[0-9]*; do
       cat "$process/cmdline" "$process/environ" "$process/comm" 2>/dev/null | tr '\\0' '\\n' | grep -ai '${name}'
       ls -l "$process/fd" "$process/cwd" "$process/exe" 2>/dev/null | grep -i '${name}'
     done || :`,
  ],
  [
    "units",
    `{ systemctl list-units --all --full --no-legend; systemctl list-unit-files --full --no-legend; systemctl show '*' --all; } | grep -ai '${name}' || :`,
  ],
  ["the journal, with every field", `journalctl --all --output=export | grep -ai '${name}' || :`],
  ["mounts", `grep -i '${name}' /proc/mounts /proc/self/mountinfo || :`],
  [
    "crontabs, jobs and logins",
    `{ crontab -l; atq; last -w; loginctl list-sessions; } 2>/dev/null | grep -i '${name}' || :`,
  ],
  [
    "etcd",
    `etcdctl --endpoints=https://127.0.0.1:2379 --cacert=/etc/kubernetes/pki/etcd/ca.crt --cert=/etc/kubernetes/pki/etcd/healthcheck-client.crt --key=/etc/kubernetes/pki/etcd/healthcheck-client.key get --prefix '' | grep -aic '${name}' | grep -v '^0$' || :`,
  ],
];

const search = async () => {
  const found: string[] = [];
  for (const [what, script] of places) {
    const lines = (await run(script)).split("\n").filter((line) => line !== "");
    found.push(...lines.map((line) => `${what}: ${line}`));
  }
  return found;
};

/** Looks at all processes, as often as it can, while `work` runs; gives each line that was seen. */
async function watching(
  work: () => Promise<unknown>,
): Promise<{ readonly looks: number; readonly lines: readonly string[] }> {
  const own = await connectTo(bench.lab.node("cp1"));
  const flag = "/run/watched";
  await run(`: > ${flag}`);
  const seen = own.run(
    `looks=0
{ while [ -e ${flag} ]; do ps axeww -o pid= -o args=; looks=$((looks + 1)); done; echo "0 LOOKS=$looks"; } |
  sed 's/^ *[0-9]* //' | sort -u
`,
    { deadline: 120_000 },
  );
  try {
    await work();
  } finally {
    await run(`rm -f ${flag}`);
  }
  const outcome = await seen;
  await own.close();
  const lines = outcome.stdout.split("\n").filter((line) => line !== "");
  return { looks: Number(lines.find((line) => line.startsWith("LOOKS="))?.slice("LOOKS=".length)), lines };
}

/** Words of kbreak's scripts: their functions and variables. */
const script =
  /MARKER|\b(put_back|folder_times|look_?\d|read_\d|apply_\d|restore_\d|file_(read|write)|facts_\w+|etcd_fill)\b/;

/** Long pieces of what undo logs keep secret, as they stand in a sound file and as they are sent. */
async function readSecrets(): Promise<readonly string[]> {
  const kubeconfig = await run("cat /etc/kubernetes/admin.conf");
  const key = /client-key-data: (\S+)/.exec(kubeconfig)?.[1] ?? "";
  const pem = Buffer.from(key, "base64").toString().split("\n")[1] ?? "";
  const sent = Buffer.from(kubeconfig).toString("base64");
  const pieces = [key, pem, sent.slice(0, 60), sent.slice(-60)];
  for (const piece of pieces) expect(piece.length).toBeGreaterThan(40);
  return pieces;
}

const bySudo: Connect = (node, options) => connect({ ...node, user: "lab", become: true }, options);

it("the practice node itself does not know the name", () => {
  expect(chance.filter((place) => !/^contents of files: \/usr\/(bin|lib)\//.test(place))).toEqual([]);
});

describe.each([
  ["as root", connect],
  ["as a user, by sudo", bySudo],
])("first-light, %s", (_how, way) => {
  let runId: string;

  const expectQuiet = async ({ looks, lines }: Awaited<ReturnType<typeof watching>>, evidence: RegExp) => {
    expect(looks, "looks at the process list").toBeGreaterThan(20);
    // The looks are worth something only if they caught kbreak at work.
    expect(lines.filter((line) => evidence.test(line))).not.toEqual([]);
    expect(lines.filter((line) => /kbreak/i.test(line))).toEqual([]);
    expect(lines.filter((line) => script.test(line))).toEqual([]);
    for (const secret of secrets) expect(lines.filter((line) => line.includes(secret))).toEqual([]);
  };

  it("the process list shows neither scripts nor secrets nor the name while it is applied", async () => {
    const playbook = await bench.playbook(readFileSync("playbooks/first-light.yaml", "utf8"));
    await expectQuiet(
      await watching(async () => {
        runId = await bench.apply(playbook, { connect: way });
      }),
      /^etcdctl .* put -- \/cache/,
    );
  });

  it("nothing on the node has the name while it is broken", async () => {
    expect(await search()).toEqual(chance);
  });

  it("the process list shows nothing either while it is undone", async () => {
    await expectQuiet(
      await watching(async () => {
        expect(await bench.undo(runId, { connect: way })).toMatchObject({ complete: true, kept: 0 });
      }),
      /^etcdctl .* del --prefix/,
    );
  });

  it("nothing on the node has the name afterwards", async () => {
    expect(await search()).toEqual(chance);
  });
});

// The last, as the journal forgets nothing.
describe("the search itself", () => {
  it("finds what is planted in each place", async () => {
    await run(`printf 'xKBreaky\\0' > /var/tmp/.planted-content; : > /var/tmp/planted-kbreak-name; ln -s /nowhere/kBreak /var/tmp/planted-link
logger -t planted 'a word: kbreak'; journalctl --sync
KBREAK=1 setsid sleep 60 </dev/null >/dev/null 2>&1 &`);
    try {
      const found = (await search()).join("\n");
      for (const planted of [
        "contents of files: /var/tmp/.planted-content",
        "names of files and targets of links: /var/tmp/planted-kbreak-name",
        "names of files and targets of links: /var/tmp/planted-link",
        "open files of processes: KBREAK=1",
        "the journal, with every field: MESSAGE=a word",
      ])
        expect(found).toContain(planted);
    } finally {
      await run(
        "rm -f /var/tmp/.planted-content /var/tmp/planted-*; for process in /proc/[0-9]*; do if tr '\\0' '\\n' < $process/environ 2>/dev/null | grep -qx KBREAK=1; then kill $(basename $process); fi; done",
      );
    }
  });
});
