import { posix } from "node:path";
import pc from "picocolors";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { DriftError } from "../src/errors.ts";
import type { Difference, Fingerprint } from "../src/fingerprint/types.ts";
import { renderUndoPlan } from "../src/render/undo-plan.ts";
import { type Bench, changesSince, look, on, useBench } from "./support/bench.ts";
import type { TestNode } from "./support/lab.ts";

let bench: Bench;
let cp1: TestNode;
let before: Fingerprint;

const scheduler = "/etc/kubernetes/scheduler.conf";
const manifest = "/etc/kubernetes/manifests/kube-scheduler.yaml";
const apiserver = "/etc/kubernetes/manifests/kube-apiserver.yaml";
const rogue = "systemd-kernel-cache";

beforeAll(async () => {
  // A fixer's work stays: the nodes that others share are not for that.
  bench = await useBench({ nodes: "1+0", fresh: true });
  cp1 = bench.lab.node("cp1");
  await on(cp1, "cp -a /etc/kubernetes /root/sound");
  before = await look(cp1);
});
/** Whatever a test has made of the node, the next one finds it sound. */
afterEach(async () => {
  await bench.undoAll();
  await on(
    cp1,
    `systemctl stop ${rogue} 2>/dev/null || :
     chattr -R -i /etc/kubernetes; rm -f /etc/systemd/system/kernel-cache.service; rm -rf ${scheduler} ${manifest} /root/moved
     cp -a /root/sound/. /etc/kubernetes/
     rm -f /usr/local/bin/kube-auth-metal /usr/local/lib/${rogue} /etc/systemd/system/${rogue}.service
     rm -f /etc/systemd/system/multi-user.target.wants/${rogue}.service
     systemctl daemon-reload; systemctl reset-failed`,
  );
  expect(await left()).toEqual([]);
});
afterAll(() => bench?.end());

const time = /\d{4}-\d\d-\d\dT[\d:.]+Z/;
const contentOnly = (differences: readonly Difference[]) =>
  differences
    .filter(
      ({ section, before, after }) =>
        section !== "files" || before?.replace(time, "") !== after?.replace(time, ""),
    )
    .map(({ section, key, kind, before, after }) => `${section} ${key} ${kind}: ${before} -> ${after}`);

const sha256 = async (path: string) => (await on(cp1, `sha256sum < ${path}`)).trim();
const single = async (id: string) => bench.apply(await bench.single(id));
const verdictsOf = async (run: string) => {
  const { steps } = await bench.status(run);
  return steps.flatMap(({ operations }) => operations.map(({ verdict }) => verdict));
};
const stateOf = async (run: string) => (await bench.status(run)).steps[0];

const planOf = async (run: string) =>
  renderUndoPlan([await bench.status(run, true)], { exact: false, spoilers: true }, pc.createColors(false));

const left = async () => contentOnly(await changesSince(cp1, before));

describe("what a person has restored", () => {
  it.each([
    ["files/immutable", `chattr -i ${apiserver}`],
    [
      "files/unicode-doppelganger",
      `sed -i 's/^current-context: .*/current-context: system:kube-scheduler@kubernetes/' ${scheduler}`,
    ],
  ])("is fixed exactly, and undo does nothing: %s", async (id, fix) => {
    const run = await single(id);
    expect(await verdictsOf(run)).toEqual(["still broken"]);
    await on(cp1, fix);
    const after = await look(cp1);
    expect(await stateOf(run)).toMatchObject({ state: "fixed", symptom: "quiet" });
    expect(await verdictsOf(run)).toEqual(["fixed exactly"]);
    const undone = await bench.undo(run);
    expect(undone).toMatchObject({ complete: true, kept: 0 });
    expect(undone.targets[0]?.operations).toMatchObject([{ verdict: "fixed exactly", outcome: "restored" }]);
    expect(await changesSince(cp1, after)).toEqual([]);
    expect(await left()).toEqual([]);
  });
});

describe("what a person has fixed in another way", () => {
  const fix = `{ sed 's/^current-context: .*/current-context: system:kube-scheduler@kubernetes/' ${scheduler}; echo '# mended by hand'; } > /root/mended && chmod 600 /root/mended && mv /root/mended ${scheduler}`;

  it("is kept and reported, twice; --exact puts it back", async () => {
    const original = await sha256(scheduler);
    const run = await single("files/unicode-doppelganger");
    await on(cp1, fix);
    const mended = await sha256(scheduler);
    const after = await look(cp1);
    expect(mended).not.toBe(original);
    expect(await stateOf(run)).toMatchObject({ state: "fixed differently", symptom: "quiet" });

    for (const _ of ["once", "twice"]) {
      const undone = await bench.undo(run);
      expect(undone).toMatchObject({ complete: true, kept: 1 });
      expect(undone.targets[0]?.operations).toMatchObject([
        { verdict: "fixed differently", outcome: "kept" },
      ]);
      expect(await changesSince(cp1, after)).toEqual([]);
    }
    const exactly = await bench.undo(run, { exact: true });
    expect(exactly).toMatchObject({ complete: true, kept: 0 });
    expect(await sha256(scheduler)).toBe(original);
    expect(await left()).toEqual([]);
  });

  it("is kept where it is a certificate made anew; --exact puts the old one back", async () => {
    const pki = "/etc/kubernetes/pki";
    const original = await sha256(`${pki}/apiserver.crt`);
    const operation = { kind: "file", path: `${pki}/apiserver.crt`, content: "expired\n" };
    const steps = [{ operations: [operation] }];
    const run = await bench.apply(await bench.playbook(JSON.stringify({ name: "certificate", steps })));
    await on(
      cp1,
      `openssl req -x509 -key ${pki}/apiserver.key -CA ${pki}/ca.crt -CAkey ${pki}/ca.key -subj /CN=kube-apiserver -days 30 -out ${pki}/apiserver.crt`,
    );
    const renewed = await sha256(`${pki}/apiserver.crt`);
    expect(await stateOf(run)).toMatchObject({ state: "fixed differently" });
    const plan = await planOf(run);
    expect(plan).toMatch(/apiserver\.crt +fixed differently +keep$/m);
    expect(plan).toMatch(/^ {2}\.m\. {2}expired$/m);
    expect(plan).not.toMatch(/[A-Za-z0-9+/]{60}/);
    expect(await bench.undo(run)).toMatchObject({ complete: true, kept: 1 });
    expect(await sha256(`${pki}/apiserver.crt`)).toBe(renewed);
    expect(await bench.undo(run, { exact: true })).toMatchObject({ complete: true, kept: 0 });
    expect(await sha256(`${pki}/apiserver.crt`)).toBe(original);
    expect(await left()).toEqual([]);
  });

  it("is kept beside a break that is undone", async () => {
    const playbook = await bench.playbook(
      "name: two\nsteps: [{ break: files/immutable }, { break: files/unicode-doppelganger }]\n",
    );
    const run = await bench.apply(playbook);
    await on(cp1, fix);
    const mended = await sha256(scheduler);
    const { steps } = await bench.status(run);
    expect(steps.map(({ state }) => state)).toEqual(["in effect", "fixed differently"]);
    expect(await bench.undo(run)).toMatchObject({ complete: true, kept: 1 });
    expect(await sha256(scheduler)).toBe(mended);
    expect(await on(cp1, `lsattr ${apiserver}`)).not.toMatch(/^[^ ]*i/);
    await bench.undo(run, { exact: true });
    expect(await left()).toEqual([]);
  });
});

describe("what a person has changed without fixing it", () => {
  it.each([
    ["more text in it", "files/unicode-doppelganger", `echo '# what is wrong here?' >> ${scheduler}`],
    ["the file is gone", "files/unicode-doppelganger", `rm ${scheduler}`],
    ["the file was moved away", "files/unicode-doppelganger", `mv ${scheduler} /root/moved`],
    [
      "a link in its place",
      "files/unicode-doppelganger",
      `mv ${scheduler} /root/moved; ln -s /root/moved ${scheduler}`,
    ],
    ["it was emptied", "files/unicode-doppelganger", `: > ${scheduler}`],
    [
      "edited, and made immutable",
      "files/unicode-doppelganger",
      `echo '# mine' >> ${scheduler}; chattr +i ${scheduler}`,
    ],
  ])("has drifted, and undo restores it: %s", async (_what, id, change) => {
    const run = await single(id);
    await on(cp1, change);
    expect(await stateOf(run)).toMatchObject({ state: "drifted" });
    const undone = await bench.undo(run);
    expect(undone).toMatchObject({ complete: true, kept: 0 });
    expect(undone.targets[0]?.operations).toMatchObject([{ verdict: "drifted", outcome: "restored" }]);
    await on(cp1, "rm -rf /root/moved");
    expect(await left()).toEqual([]);
  });

  it("has drifted where a line of cron was edited, and breaks again: it goes", async () => {
    const run = await single("persistence/rogue-cron");
    await on(cp1, "echo '# looks odd, but who knows' >> /etc/cron.d/sysstat-rotate");
    await on(cp1, `sed -i s/=truee/=true/ ${manifest}`);
    await expect.poll(() => on(cp1, `cat ${manifest}`), { timeout: 120_000 }).toMatch(/=truee/);
    expect(await stateOf(run)).toMatchObject({ state: "drifted", symptom: "seen" });
    const undone = await bench.undo(run);
    expect(undone).toMatchObject({ complete: true, kept: 0 });
    expect(undone.targets[0]?.operations.at(-1)).toMatchObject({ verdict: "drifted", outcome: "restored" });
    expect(await left()).toEqual([]);
  }, 300_000);

  it("is planned as what was there before, what we made of it, and what is there now", async () => {
    const run = await single("files/unicode-doppelganger");
    await on(cp1, `sed -i '1i # mine' ${scheduler}; sed -i '/^kind:/d' ${scheduler}`);
    const plan = await planOf(run);
    expect(plan).toMatch(/scheduler\.conf +drifted +restore$/m);
    const marked = plan.split("\n").filter((line) => /^ {2}[b.][m.][n.] {2}/.test(line));
    expect(marked.filter((line) => !line.startsWith("  bmn"))).toEqual([
      "  ..n  # mine",
      "  b..  current-context: system:kube-scheduler@kubernetes",
      "  .mn  current-context: system:kube-schedul\u0435r@kubernetes   (U+0435)",
      "  bm.  kind: Config",
    ]);
    expect(await bench.undo(run)).toMatchObject({ complete: true, kept: 0 });
  });
});

describe("what stands in the way", () => {
  it("of reading is unknown: undo tries, says what it is, and ends it later", async () => {
    const run = await single("files/immutable");
    await on(cp1, "mv /usr/bin/lsattr /root/moved");
    try {
      expect(await verdictsOf(run)).toEqual(["unknown"]);
      expect(await stateOf(run)).toMatchObject({ state: "unknown" });
      const undone = await bench.undo(run);
      expect(undone.complete).toBe(false);
      expect(undone.targets[0]?.operations).toMatchObject([{ verdict: "unknown", outcome: "left" }]);
      expect(undone.targets[0]?.operations[0]?.detail).toMatch(/lsattr/);
      expect((await bench.status(run)).status).toBe("undo incomplete");
    } finally {
      await on(cp1, "mv /root/moved /usr/bin/lsattr");
    }
    expect(await bench.undo(run)).toMatchObject({ complete: true, kept: 0 });
    expect(await left()).toEqual([]);
  });

  it("of writing is left alone and named, and undo ends when it is gone", async () => {
    const run = await single("files/unicode-doppelganger");
    await on(cp1, `rm ${scheduler}; mkdir ${scheduler}; echo mine > ${scheduler}/note`);
    expect(await stateOf(run)).toMatchObject({ state: "drifted" });
    const undone = await bench.undo(run);
    expect(undone.complete).toBe(false);
    expect(undone.targets[0]?.operations).toMatchObject([{ verdict: "drifted", outcome: "left" }]);
    expect(undone.targets[0]?.operations[0]?.detail).not.toBe("");
    expect(await on(cp1, `cat ${scheduler}/note`)).toBe("mine\n");
    await on(cp1, `rm -r ${scheduler}`);
    expect(await bench.undo(run)).toMatchObject({ complete: true, kept: 0 });
    expect(await left()).toEqual([]);
  });
});

describe("what is not there any more", () => {
  it("the folder of a file: undo says so, makes up none, and ends when it is back", async () => {
    const run = await single("persistence/rogue-systemd-unit");
    await on(cp1, `systemctl stop ${rogue}; mv ${posix.dirname(manifest)} /root/moved`);
    const undone = await bench.undo(run);
    expect(undone.complete).toBe(false);
    const [edit, ...others] = undone.targets[0]?.operations ?? [];
    expect(edit).toMatchObject({
      outcome: "left",
      detail: `there is no folder ${posix.dirname(manifest)} any more`,
    });
    expect(others.map(({ outcome }) => outcome)).toEqual(others.map(() => "restored"));
    await on(cp1, `mv /root/moved ${posix.dirname(manifest)}`);
    expect(await bench.undo(run)).toMatchObject({ complete: true });
    expect(await left()).toEqual([]);
  });

  it("the unit, as somebody has given it another name: that is theirs, and all else is undone", async () => {
    const run = await single("persistence/rogue-systemd-unit");
    const [units, other] = ["/etc/systemd/system", "kernel-cache.service"];
    await on(
      cp1,
      `systemctl disable --now ${rogue}; mv ${units}/${rogue}.service ${units}/${other}; systemctl daemon-reload`,
    );
    expect(await stateOf(run)).toMatchObject({ state: "drifted" });
    expect(await bench.undo(run)).toMatchObject({ complete: true, kept: 0 });
    const others = (await left()).filter((line) => !line.includes(`${other} added`));
    expect(others).toEqual([]);
  });
});

describe("somebody edits between kbreak's read and its apply", () => {
  it.each([
    ["files/unicode-doppelganger", `echo '# by somebody' >> ${scheduler}`, scheduler],
    ["files/unicode-doppelganger", `chmod 640 ${scheduler}`, scheduler],
    ["files/immutable", `chattr +i ${apiserver}`, apiserver],
    ["access/kubeconfig-exec-helper", "echo mine > /usr/local/bin/kube-auth-metal", "kube-auth-metal"],
    [
      "access/kubeconfig-exec-helper",
      "kubectl config set-context x --kubeconfig=/etc/kubernetes/admin.conf",
      "admin.conf",
    ],
    [
      "persistence/rogue-systemd-unit",
      `echo mine > /etc/systemd/system/${rogue}.service`,
      `${rogue}.service`,
    ],
    ["persistence/rogue-systemd-unit", `echo mine > /usr/local/lib/${rogue}`, rogue],
  ])(
    "%s is refused, nothing of theirs is overwritten, nothing of ours is left: %s",
    async (id, edit, named) => {
      let theirs: Fingerprint | undefined;
      const refusal = bench.apply(await bench.single(id), {
        meanwhile: async () => {
          await on(cp1, edit);
          theirs = await look(cp1);
        },
      });
      await expect(refusal).rejects.toThrow(DriftError);
      await expect(refusal).rejects.toThrow(named);
      if (theirs === undefined) throw new Error("the test did not get to edit");
      expect(await changesSince(cp1, theirs)).toEqual([]);
    },
  );

  it("is not troubled by what changes nothing that it owns", async () => {
    const run = await bench.apply(await bench.single("files/unicode-doppelganger"), {
      meanwhile: async () => {
        await on(cp1, `touch ${scheduler}; touch /etc/kubernetes/new; rm /etc/kubernetes/new`);
      },
    });
    expect(await bench.undo(run)).toMatchObject({ complete: true, kept: 0 });
    expect(await left()).toEqual([]);
  });
});

describe("what breaks again", () => {
  const text = () => on(cp1, `cat ${manifest}`);

  it("does not win against undo", async () => {
    const sound = await text();
    const run = await single("persistence/rogue-systemd-unit");
    await on(cp1, `sed -i s/=truee/=true/ ${manifest}`);
    // The unit has undone the repair: the run is as it was.
    await expect.poll(text, { timeout: 10_000 }).toMatch(/=truee/);
    expect(await stateOf(run)).toMatchObject({ state: "in effect", symptom: "seen" });
    expect(await bench.undo(run)).toMatchObject({ complete: true, kept: 0 });
    // Undo has waited out the unit's period itself before it said so.
    expect(await text()).toBe(sound);
    expect(await left()).toEqual([]);
  });

  it.each([
    ["stopped only", `systemctl stop ${rogue}`],
    ["stopped and disabled", `systemctl disable --now ${rogue}`],
    [
      "its script is gone, and systemd has given it up",
      `rm /usr/local/lib/${rogue}; systemctl kill -s KILL ${rogue}; for _ in $(seq 150); do systemctl is-failed -q ${rogue} && break; sleep 0.1; done; systemctl is-failed -q ${rogue}`,
    ],
    [
      "systemd has given it up, and the file is repaired",
      `rm /usr/local/lib/${rogue}; systemctl kill -s KILL ${rogue}; for _ in $(seq 150); do systemctl is-failed -q ${rogue} && break; sleep 0.1; done; systemctl is-failed -q ${rogue}; sed -i s/=truee/=true/ ${manifest}`,
    ],
    [
      "its files are gone, but it runs",
      `rm /usr/local/lib/${rogue} /etc/systemd/system/${rogue}.service /etc/systemd/system/multi-user.target.wants/${rogue}.service`,
    ],
    ["killed, and started again by systemd", `systemctl kill -s KILL ${rogue}`],
    [
      "its unit file says something else",
      `sed -i s/Maintenance/Keeper/ /etc/systemd/system/${rogue}.service`,
    ],
    [
      "its unit file says something else, and systemd knows",
      `sed -i s/Maintenance/Keeper/ /etc/systemd/system/${rogue}.service; systemctl daemon-reload`,
    ],
    [
      "its manifest can no longer be written",
      `sed -i s/=truee/=true/ ${manifest}; chattr +i ${manifest}; chattr -i ${manifest}`,
    ],
    ["its manifest was moved away", `systemctl stop ${rogue}; mv ${manifest} /root/moved`],
  ])("is undone from whatever a fixer has made of it: %s", async (_what, meddle) => {
    const run = await single("persistence/rogue-systemd-unit");
    await on(cp1, meddle);
    const undone = await bench.undo(run);
    expect(undone).toMatchObject({ complete: true });
    expect(await on(cp1, `systemctl is-active ${rogue} || :`)).toBe("inactive\n");
    await on(cp1, "rm -f /root/moved");
    expect(await bench.undo(run, { exact: true })).toMatchObject({ complete: true, kept: 0 });
    expect(await left()).toEqual([]);
  });
});
