import { mkdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { on } from "../support/bench.ts";
import type { Ended } from "../support/product.ts";
import { type Desk, makeFolder, useDesk } from "./support.ts";

let desk: Desk;
beforeAll(async () => {
  desk = await useDesk();
});
afterEach(async () => {
  await desk.kbreak("undo", "--all", "--exact");
});
afterAll(() => desk?.end());

const cp1 = (script: string) => on(desk.lab.node("cp1"), script);
const canary = /CANARY|Q0FOQVJZ/;
const folder = "/var/lib/desk";

const kubeconfig = (user: string) => `apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://127.0.0.1:6443"}}]
users:
- name: u
  user:
${user}
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
`;
const pem = `-----BEGIN EC PRIVATE KEY-----\nCANARYCANARY\n-----END EC PRIVATE KEY-----\n`;
const base64 = (text: string) => Buffer.from(text).toString("base64");

describe("credentials go into the undo log and nowhere else", () => {
  it.each([
    ["a token", "    token: CANARY-token"],
    [
      "a key",
      `    client-certificate-data: ${base64("-----BEGIN CERTIFICATE-----\nCANARY\n-----END CERTIFICATE-----\n")}\n    client-key-data: ${base64(pem)}`,
    ],
  ])("%s in a kubeconfig", async (_what, user) => {
    const path = `${folder}/admin.conf`;
    const remove = await makeFolder(desk.lab.node("cp1"), folder);
    await cp1(`cat >${path} <<'EOF'\n${kubeconfig(user)}EOF\ntouch -d 2020-01-01 ${path} ${folder}`);
    const was = await cp1(`cat ${path}; stat -c '%y %a' ${path} ${folder}`);
    const seen: Ended[] = [];
    const kbreak = async (...words: readonly string[]) => {
      const ended = await desk.kbreak(...words);
      seen.push(ended);
      return ended;
    };
    try {
      const playbook = desk.write(
        "secrets.yaml",
        `name: secrets
steps:
  - break: access/kubeconfig-exec-helper
    params: {kubeconfig: ${path}, payload: "API_TOKEN=CANARY-payload true", trace: ""}
  - targets: cp1
    operations:
      - {kind: file, path: ${folder}/env, content: "PASSWORD=CANARY-content\\n"}
`,
      );
      await kbreak("plan", playbook, "-l", "cp1");
      await kbreak("plan", playbook, "-l", "cp1", "-o", "json");
      const commandLines = cp1(
        "for _ in $(seq 30); do for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$f; done 2>/dev/null; sleep 0.1; done",
      );
      expect(await kbreak("apply", "--yes", playbook, "-l", "cp1")).toMatchObject({ code: 0 });
      expect((await commandLines).replaceAll(/.*seq 30.*/g, "")).not.toMatch(canary);
      const [run = ""] = await desk.openRuns();
      for (const words of [
        ["status"],
        ["status", "-o", "json"],
        ["undo", "--plan"],
        ["runs", "show", run],
        ["runs", "show", run, "-o", "json"],
        ["diff", "save", join(desk.folder, "look.json"), "-l", "cp1"],
      ])
        await kbreak(...words);
      // Something that fails while secrets are at hand.
      await cp1(`chattr +i ${folder}`);
      expect((await kbreak("undo")).code).toBe(5);
      await cp1(`chattr -i ${folder}`);
      expect((await kbreak("undo")).code).toBe(0);
      expect(await cp1(`cat ${path}; stat -c '%y %a' ${path} ${folder}`)).toBe(was);
    } finally {
      await desk.kbreak("undo", "--all");
      await remove();
    }
    expect(seen.length).toBeGreaterThan(8);
    for (const { stdout, stderr } of seen) expect(stdout + stderr).not.toMatch(canary);
    expect(readFileSync(join(desk.data, "log/kbreak.log"), "utf8")).not.toMatch(canary);
  });

  it("the undo logs that hold them are their owner's only", async () => {
    const { stdout } = await desk.kbreak("runs", "list", "-o", "name");
    const [run = ""] = stdout.split("\n");
    const mode = (path: string) => statSync(join(desk.data, path)).mode & 0o777;
    expect([mode("runs"), mode(`runs/${run}`), mode(`runs/${run}/blobs`)]).toEqual([0o700, 0o700, 0o700]);
    expect(mode(`runs/${run}/log.jsonl`)).toBe(0o600);
  });
});

describe("the log file", () => {
  it("is JSON lines of its owner's, each with run, node, and what the inventory knows of the node", async () => {
    const file = desk.inventory(
      { cp1: { fields: { cluster: "blue", zone: "z1" } }, cp2: { as: "cp1", fields: { port: 9 } } },
      { clusters: { blue: {} } },
    );
    expect(await desk.kbreak("apply", "--yes", "files/immutable", "-i", file)).toMatchObject({ code: 4 });
    const [run = ""] = await desk.openRuns();
    expect((await desk.kbreak("undo")).code).toBe(0);
    const path = join(desk.data, "log/kbreak.log");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const lines = readFileSync(path, "utf8").trim().split("\n");
    const records = lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
    expect(records.every(({ level, time, msg }) => Boolean(level && time && msg))).toBe(true);
    expect(records).toContainEqual(
      expect.objectContaining({ node: "cp2", code: "connect", msg: "left out" }),
    );
    const ours = records.filter((record) => record.run === run);
    expect(ours.map(({ msg }) => msg)).toEqual(["apply", "undone"]);
    for (const record of ours) expect(record).toMatchObject({ node: "cp1", cluster: "blue", zone: "z1" });
  });
});

it("a log file that cannot be written stands in nobody's way", async () => {
  const data = join(desk.folder, "full");
  mkdirSync(join(data, "log"), { recursive: true });
  symlinkSync("/dev/full", join(data, "log/kbreak.log"));
  const env = { KBREAK_DATA_DIR: data };
  expect(await desk.withEnv(env, "apply", "--yes", "files/immutable")).toMatchObject({ code: 0 });
  expect(await desk.withEnv(env, "undo")).toMatchObject({ code: 0 });
  await desk.expectUntouched();
});

describe("--spoilers no", () => {
  const spoiler =
    /immutable|doppelganger|exec-helper|rogue|quota|latency|netem|chattr|manifests|scheduler|\/etc\/|\/usr\/|kube-auth|unicode|systemd/i;

  it("says how many, and neither titles nor paths nor breaks, whatever happens", async () => {
    const quiet = ["--spoilers", "no"];
    const seen: (readonly [string, Ended])[] = [];
    const kbreak = async (...words: readonly string[]) => {
      const ended = await desk.kbreak(...words, ...quiet);
      seen.push([words.join(" "), ended]);
      return ended;
    };
    const playbook = desk.write(
      "puzzle.yaml",
      `name: puzzle
steps:
  - break: files/immutable
  - break: files/unicode-doppelganger
  - break: network/latency
    optional: true
`,
    );
    await kbreak("plan", playbook);
    await kbreak("plan", playbook, "-o", "json");
    await kbreak("plan", "files/immutable", "--limit", "w1");
    await kbreak("apply", "--yes", "files/immutable", "-l", "cp1", "-p", "path=/etc/nope");
    expect(await kbreak("apply", "--yes", playbook)).toMatchObject({ code: 0 });
    expect((await kbreak("apply", "--yes", "files/immutable")).code).toBe(1);
    for (const words of [["status"], ["status", "-o", "json"], ["status", "--check"], ["undo", "--plan"]])
      await kbreak(...words);
    await cp1("mount --bind /etc/kubernetes /etc/kubernetes && mount -o remount,bind,ro /etc/kubernetes");
    try {
      expect((await kbreak("undo")).code).toBe(5);
      expect((await kbreak("undo", "-o", "json")).code).toBe(5);
    } finally {
      await cp1("umount /etc/kubernetes");
    }
    await cp1("chattr -i /etc/kubernetes/manifests/kube-apiserver.yaml");
    expect((await kbreak("status", "--check")).code).toBe(3);
    expect((await kbreak("undo")).code).toBe(0);
    expect(seen.find(([words]) => words === "status")?.[1].stdout).toMatch(/2 of 2 in effect/);
    for (const [words, { stdout, stderr }] of seen)
      expect({ words, text: stdout + stderr }).toEqual({ words, text: expect.not.stringMatching(spoiler) });
    await desk.expectUntouched();
  });
});

describe("output", () => {
  it("-o json and name are data that scripts can read, on standard output alone", async () => {
    const parsed = async (...words: readonly string[]) => {
      const { code, stdout } = await desk.kbreak(...words);
      expect({ words, code }).toEqual({ words, code: 0 });
      return JSON.parse(stdout);
    };
    expect(await parsed("breaks", "list", "-o", "json")).toContainEqual(
      expect.objectContaining({ id: "files/immutable", reboot: "survives" }),
    );
    expect(await parsed("breaks", "show", "files/immutable", "-o", "json")).toMatchObject({
      id: "files/immutable",
    });
    expect(await parsed("plan", "files/immutable", "-o", "json")).toMatchObject({
      playbook: "files/immutable",
      targets: [{ name: "cp1", steps: [{ break: "files/immutable", reboot: "survives" }] }],
      unreachable: [],
    });
    const named = await desk.kbreak("apply", "--yes", "files/immutable", "-o", "name");
    const run = named.stdout.trim();
    expect(named).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d{8}-\d{6}-[0-9a-f]{4}\n$/) });
    expect(await parsed("status", "-o", "json")).toMatchObject([
      { run, steps: [{ target: "cp1", state: "in effect", symptom: "seen" }] },
    ]);
    expect((await desk.kbreak("status", "-o", "name")).stdout).toBe(`${run}\n`);
    expect(await parsed("undo", "--plan", "-o", "json")).toMatchObject([{ run, undo: "restore" }]);
    expect((await desk.kbreak()).stdout).toMatch(
      new RegExp(`^Broken now:\\n +${run} +files/immutable on cp1`),
    );
    expect(await parsed("runs", "show", run.slice(0, 18), "-o", "json")).toHaveLength(5);
    expect(await parsed("undo", "-o", "json")).toMatchObject([{ run, complete: true, kept: 0 }]);
    expect(await parsed("runs", "list", "-o", "json")).toContainEqual(
      expect.objectContaining({ run, status: "undone", nodes: ["cp1"] }),
    );
    expect((await desk.kbreak("breaks", "list", "-o", "name")).stdout).toMatch(/^files\/immutable$/m);
    expect((await desk.kbreak("breaks", "list")).stdout).toMatch(/^BREAK +DIFFICULTY +REBOOT +TITLE$/m);
  });

  it.each([{}, { CI: "true" }, { NO_COLOR: "1" }])(
    "has no escape codes off a terminal with %j",
    async (env) => {
      for (const words of [
        ["plan", "files/immutable"],
        ["breaks", "show", "files/immutable"],
        ["status"],
        ["apply", "--yes", "files/immutable", "-l", "cp1", "-p", "path=/nope"],
        ["--help"],
      ]) {
        const { stdout, stderr } = await desk.withEnv(env, ...words);
        expect(stdout + stderr).not.toContain("\u001b");
      }
    },
  );
});

describe("kbreak doctor -i", () => {
  it("says of each node whether it can be used, for what, and what to type", async () => {
    const file = desk.inventory({
      cp1: {},
      gone: { as: "cp1", fields: { port: 9 } },
      stranger: { as: "w1", enrolled: false },
    });
    const { code, stdout } = await desk.kbreak("doctor", "-i", file);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^cp1 +- +ok +control-plane; Debian.*; Linux \d/m);
    expect(stdout).toMatch(/^cp1 +files\/immutable +ok$/m);
    expect(stdout).toMatch(/^gone +- +UNREACHABLE +127\.0\.0\.1:9 refuses connections/m);
    expect(stdout).toMatch(/^stranger +- +REFUSED +stranger is not enrolled/m);
    expect(stdout).toMatch(
      /^Next:\n {2}gone: check that the node is up.*\n {2}stranger: kbreak inventory enrol -i /m,
    );
    const json = JSON.parse((await desk.kbreak("doctor", "-i", desk.lab.inventory, "-o", "json")).stdout);
    expect(json).toMatchObject({ ok: true, fixes: [] });
    expect(json.nodes[0].breaks).toContainEqual({ id: "files/immutable" });
    await desk.expectUntouched();
  });
});
