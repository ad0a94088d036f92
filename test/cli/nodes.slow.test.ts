import { createServer, type Server } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { on } from "../support/bench.ts";
import { type Desk, useDesk } from "./support.ts";

let desk: Desk;
/** Takes what is told and answers nothing, as a host behind a firewall that drops packets. */
let silent: Server;
let silentPort: number;

beforeAll(async () => {
  desk = await useDesk();
  silent = createServer(() => {});
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const address = silent.address();
  silentPort = typeof address === "object" && address !== null ? address.port : 0;
});
afterAll(async () => {
  silent?.close();
  await desk?.end();
});

const manifest = "/etc/kubernetes/manifests/kube-apiserver.yaml";
const cp1 = (script: string) => on(desk.lab.node("cp1"), script);
const flags = async () => (await cp1(`lsattr -d ${manifest}`)).split(" ")[0];

describe("a node that is not the enrolled lab's, or not to be had", () => {
  afterEach(() => desk.expectUntouched());

  const other = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
  it.each([
    [
      "whose port is closed",
      { fields: { port: 9 } },
      4,
      /127\.0\.0\.1:9 refuses connections[\s\S]*hint: .*node is up/,
    ],
    [
      "whose name does not resolve",
      { fields: { host: "nope.invalid" } },
      4,
      /"nope\.invalid" cannot be resolved[\s\S]*hint: /,
    ],
    ["with another user", { fields: { user: "nobody" } }, 4, /refuses us[\s\S]*hint: try `ssh /],
    ["that is not root's", { fields: { user: "lab" } }, 4, /root[\s\S]*hint: /],
    ["with another host key", { identity: { hostKey: other } }, 4, /host key[\s\S]*--replace cp1/],
    [
      "with another machine-id",
      { identity: { machineId: "0".repeat(32) } },
      1,
      /another machine[\s\S]*--replace cp1/,
    ],
    [
      "that is not enrolled",
      { enrolled: false },
      1,
      /not enrolled as a lab: cp1[\s\S]*hint: kbreak inventory enrol -i /,
    ],
    [
      "that is protected",
      { fields: { protected: true } },
      1,
      /protected, so never broken: cp1[\s\S]*hint: leave .*--limit/,
    ],
  ])("%s is refused", async (_what, wish, code, says) => {
    const file = desk.inventory({ cp1: wish });
    const ended = await Promise.all(
      [["plan"], ["apply", "--yes"]].map((verb) => desk.kbreak(...verb, "files/immutable", "-i", file)),
    );
    for (const { code: actual, stderr } of ended) {
      expect(stderr).toMatch(says);
      expect(stderr).toMatch(/cp1/);
      expect(actual).toBe(code);
    }
    expect(await desk.openRuns()).toEqual([]);
  });

  it("that never answers is given up after its deadline", async () => {
    const began = performance.now();
    const file = desk.inventory({ cp1: { fields: { port: silentPort } } });
    const { code, stderr } = await desk.kbreak("apply", "--yes", "files/immutable", "-i", file);
    expect(stderr).toMatch(/error: .*cp1|error: .*127\.0\.0\.1/);
    expect(code).toBe(4);
    expect(performance.now() - began).toBeLessThan(30_000);
  });

  it("of a whole inventory that is protected, or has a limit", async () => {
    const whole = desk.inventory({ cp1: {} }, { protected: true });
    expect(await desk.kbreak("apply", "--yes", "files/immutable", "-i", whole)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/protected, so never broken: cp1/),
    });
    const few = desk.inventory({ cp1: {}, again: { as: "cp1" } }, { max_targets: 1 });
    expect(await desk.kbreak("apply", "--yes", "files/immutable", "-i", few)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /2 nodes would be broken, and the inventory allows 1 \(max_targets\)\nhint: .*--limit/,
      ),
    });
  });

  it("all of them: each is named", async () => {
    const file = desk.inventory({ cp1: { fields: { port: 9 } }, cp2: { as: "cp1", fields: { port: 7 } } });
    const { code, stderr } = await desk.kbreak("apply", "--yes", "files/immutable", "-i", file);
    expect(code).toBe(4);
    expect(stderr).toMatch(/error: 2 nodes cannot be reached\ncp1: .*:9 .*\ncp2: .*:7 /);
    expect(await desk.openRuns()).toEqual([]);
  });
});

describe("one of two nodes cannot be reached", () => {
  it("the other is broken, and the command ends with 4", async () => {
    const file = desk.inventory({ cp1: {}, cp2: { as: "cp1", fields: { port: 9 } } });
    const planned = await desk.kbreak("plan", "files/immutable", "-i", file, "--detailed-exitcode");
    expect(planned.code).toBe(4);
    expect(planned.stdout).toMatch(/cp2: left out: .*refuses connections/);
    const { code, stdout, stderr } = await desk.kbreak(
      ...["apply", "files/immutable", "-i", file, "--yes", "-o", "json"],
    );
    expect(code).toBe(4);
    expect(stderr).toMatch(/error: cp2: 127\.0\.0\.1:9 refuses connections/);
    expect(JSON.parse(stdout)).toMatchObject({
      targets: [{ target: "cp1", error: null }],
      unreachable: [{ target: "cp2" }],
    });
    expect(await flags()).toContain("i");
    expect((await desk.kbreak("undo")).code).toBe(0);
    await desk.expectUntouched();
  });
});

describe("a node that lost what a break needs", () => {
  it.each([
    ["chattr", "files/immutable"],
    ["etcdctl", "etcd/quota-fill"],
  ])("%s is missing: named before anything is touched", async (program, id) => {
    const path = (await cp1(`command -v ${program}`)).trim();
    // As good as gone, and its folder keeps its time.
    await cp1(`mount --bind /dev/null ${path}`);
    try {
      const { code, stderr } = await desk.kbreak("apply", "--yes", id);
      expect(code).toBe(1);
      expect(stderr).toContain(`missing on the node: ${program}`);
      const doctor = await desk.kbreak("doctor", "-i", desk.lab.inventory);
      expect(doctor.stdout).toMatch(new RegExp(`cp1 +${id} +NO +missing on the node: ${program}`));
      expect(doctor.stdout).toMatch(/cp1: apt-get install -y --no-install-recommends \S+/);
      expect(await desk.openRuns()).toEqual([]);
    } finally {
      await cp1(`umount ${path}`);
    }
    await desk.expectUntouched();
  });

  it("a read-only file system: refused, nothing touched", async () => {
    await cp1(
      "mkdir /run/desk-ro && mount -t tmpfs none /run/desk-ro && echo a: b >/run/desk-ro/x && mount -o remount,ro /run/desk-ro",
    );
    try {
      const inline = desk.write(
        "ro.yaml",
        "name: x\nsteps:\n  - targets: cp1\n    operations:\n      - {kind: file, path: /run/desk-ro/x, content: new}\n",
      );
      const { code, stderr } = await desk.kbreak("apply", "--yes", inline);
      expect(code).toBe(1);
      expect(stderr).toMatch(/\/run\/desk-ro\/x is on a read-only file system/);
      expect(await desk.openRuns()).toEqual([]);
    } finally {
      await cp1("umount /run/desk-ro && rmdir /run/desk-ro");
    }
  });

  it("a full disk: what was done before is undone, and nothing is left", async () => {
    await cp1(
      "mkdir /run/desk-full && mount -t tmpfs -o size=64k none /run/desk-full && echo small >/run/desk-full/x",
    );
    await cp1("dd if=/dev/zero of=/run/desk-full/fill bs=1k count=1000 2>/dev/null || :");
    const was = await cp1("cd /run/desk-full && find . -printf '%p %m %s %T@ ' && sha256sum *");
    try {
      const content = "x".repeat(60_000);
      const inline = desk.write(
        "full.yaml",
        `name: x\nsteps:\n  - break: files/immutable\n  - targets: cp1\n    operations:\n      - {kind: file, path: /run/desk-full/x, content: ${content}}\n`,
      );
      const { code, stdout, stderr } = await desk.kbreak("apply", "--yes", inline, "--limit", "cp1");
      expect(code).toBe(1);
      expect(stderr).toMatch(/error: .*cp1.*No space left on device/);
      expect(stdout).toMatch(/everything was undone/);
      expect(await desk.openRuns()).toEqual([]);
      expect(await cp1("cd /run/desk-full && find . -printf '%p %m %s %T@ ' && sha256sum *")).toBe(was);
    } finally {
      await cp1("umount /run/desk-full && rmdir /run/desk-full");
    }
    expect(await flags()).not.toContain("i");
  });
});

describe("undo that cannot do all", () => {
  afterEach(async () => {
    await desk.kbreak("undo", "--all");
    await desk.expectUntouched();
  });

  it("ends with 5, says what is left and what to type, and goes on from there", async () => {
    const file = "/etc/kubernetes/scheduler.conf";
    const { code } = await desk.kbreak("apply", "--yes", "files/unicode-doppelganger");
    expect(code).toBe(0);
    const run = (await desk.openRuns())[0] ?? "";
    // Neither renamed over nor written.
    await cp1("mount --bind /etc/kubernetes /etc/kubernetes && mount -o remount,bind,ro /etc/kubernetes");
    try {
      const undone = await desk.kbreak("undo");
      expect(undone.code).toBe(5);
      expect(undone.stdout).toBe(`run ${run}: undo incomplete\n`);
      expect(undone.stderr).toMatch(
        new RegExp(`error: undo is not complete\\ncp1: edit ${file}: .*Read-only`),
      );
      expect(undone.stderr).toMatch(new RegExp(`hint: .*kbreak undo ${run}`));
      expect(await desk.openRuns()).toEqual([run]);
      const hidden = await desk.kbreak("undo", "--spoilers", "no");
      expect(hidden.code).toBe(5);
      expect(hidden.stdout + hidden.stderr).not.toMatch(/scheduler|unicode|edit/);
      expect(JSON.parse((await desk.kbreak("undo", "-o", "json")).stdout)).toMatchObject([
        { run, complete: false, targets: [{ target: "cp1", complete: false }] },
      ]);
    } finally {
      await cp1("umount /etc/kubernetes");
    }
    expect((await desk.kbreak("undo")).code).toBe(0);
  });

  it("an apply that fails and cannot be taken back ends with 5, too", async () => {
    await cp1("mkdir /run/desk-trap && mount -t tmpfs none /run/desk-trap && echo was >/run/desk-trap/x");
    const playbook = desk.write(
      "trap.yaml",
      `name: trap
steps:
  - targets: cp1
    operations:
      - {kind: file, path: /run/desk-trap/x, content: new}
      - {kind: process, command: [sh, -c, "mount -o remount,ro /run/desk-trap; exec sleep 600"]}
  - break: files/immutable
`,
    );
    // The second step fails, as its file gets a flag between read and apply; the first cannot be undone any more.
    try {
      await cp1(
        `nohup sh -c 'while [ "$(cat /run/desk-trap/x)" = was ]; do :; done; chattr +a ${manifest}' >/dev/null 2>&1 &`,
      );
      const { code, stderr } = await desk.kbreak("apply", "--yes", playbook, "--limit", "cp1");
      expect({ code, stderr }).toMatchObject({
        code: 5,
        stderr: expect.stringMatching(/error: what was applied could not be undone\n/),
      });
      expect(stderr).toMatch(/hint: .*kbreak undo 2/);
    } finally {
      await cp1(`chattr -a ${manifest}; mount -o remount,rw /run/desk-trap`);
    }
    expect((await desk.kbreak("undo")).code).toBe(0);
    expect(await cp1("cat /run/desk-trap/x; umount /run/desk-trap; rmdir /run/desk-trap")).toBe("was\n");
  });

  it("a node that cannot be reached: 5, the run stays open, status says 4", async () => {
    const file = desk.inventory({ cp1: {} });
    expect((await desk.kbreak("apply", "--yes", "files/immutable", "-i", file)).code).toBe(0);
    const { name: _name, ...access } = desk.lab.node("cp1").access;
    const node = { ...access, roles: ["control-plane"] };
    const name = file.slice(file.lastIndexOf("/") + 1);
    desk.write(name, JSON.stringify({ name: "desk", nodes: { cp1: { ...node, port: 9 } } }));

    const status = await desk.kbreak("status");
    expect(status.code).toBe(4);
    expect(status.stdout).toMatch(/cp1 +files\/immutable +unreachable +unknown/);
    expect(status.stderr).toMatch(/error: not reached: cp1\nhint: /);
    const undone = await desk.kbreak("undo");
    expect(undone.code).toBe(5);
    expect(undone.stderr).toMatch(/cp1: 127\.0\.0\.1:9 refuses connections/);
    expect((await desk.openRuns()).length).toBe(1);

    // The inventory says where the node is now.
    desk.write(name, JSON.stringify({ name: "desk", nodes: { cp1: node } }));
    expect((await desk.kbreak("undo")).code).toBe(0);
  });
});

describe("status --check", () => {
  afterEach(async () => {
    await desk.kbreak("undo", "--all");
    await desk.expectUntouched();
  });

  it("is 0 while all is armed, and 3 when something was fixed", async () => {
    expect((await desk.kbreak("apply", "--yes", "files/immutable")).code).toBe(0);
    expect((await desk.kbreak("status", "--check")).code).toBe(0);
    await cp1(`chattr -i ${manifest}`);
    const { code, stdout, stderr } = await desk.kbreak("status", "--check");
    expect(code).toBe(3);
    expect(stdout).toMatch(/cp1 +files\/immutable +fixed +quiet/);
    expect(stderr).toMatch(/error: 0 of 1 are armed\nhint: kbreak undo, then kbreak apply/);
  });

  it("plan --detailed-exitcode is 2 when something would change", async () => {
    expect((await desk.kbreak("plan", "files/immutable", "--detailed-exitcode")).code).toBe(2);
    expect((await desk.kbreak("plan", "files/immutable")).code).toBe(0);
  });
});

describe("which run", () => {
  it("is its id or the beginning of it, and a beginning of several is refused", async () => {
    const path = (name: string) => `path=/etc/kubernetes/${name}`;
    expect((await desk.kbreak("apply", "--yes", "files/immutable", "-p", path("admin.conf"))).code).toBe(0);
    expect((await desk.kbreak("apply", "--yes", "files/immutable", "-p", path("scheduler.conf"))).code).toBe(
      0,
    );
    const [newest = "", oldest = ""] = await desk.openRuns();
    const several = await desk.kbreak("undo");
    expect(several.code).toBe(64);
    expect(several.stderr).toMatch(/2 runs are open: .*\nhint: name one, or use --all/);
    const hidden = await desk.kbreak("undo", "--spoilers", "no");
    expect(hidden.stderr).not.toMatch(/immutable/);
    const common = await desk.kbreak("undo", newest.slice(0, 4));
    expect(common.code).toBe(64);
    expect(common.stderr).toMatch(/runs begin with \d{4}: .*\nhint: type more of it/);
    expect((await desk.openRuns()).length).toBe(2);
    expect((await desk.kbreak("undo", newest)).code).toBe(0);
    expect(await desk.openRuns()).toEqual([oldest]);
    expect((await desk.kbreak("undo")).code).toBe(0);
    // Once more does no harm.
    expect(await desk.kbreak("undo", oldest)).toMatchObject({ code: 0, stdout: `run ${oldest}: undone\n` });
    await desk.expectUntouched();
  });
});
