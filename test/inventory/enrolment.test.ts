import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EnrolmentError } from "../../src/errors.ts";
import {
  checkIdentity,
  enrolledIdentity,
  readEnrolment,
  writeEnrolment,
} from "../../src/inventory/enrolment.ts";
import { loadInventory } from "../../src/inventory/load.ts";
import type { Enrolment, Identity, Inventory } from "../../src/inventory/types.ts";

let folder: string;
let inventory: Inventory;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "enrolment-"));
  writeFileSync(join(folder, "lab.yaml"), "name: lab\nnodes: {cp1: , w1: }\n");
  inventory = await loadInventory(join(folder, "lab.yaml"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const machineId = "0123456789abcdef0123456789abcdef";
const other = "fedcba9876543210fedcba9876543210";
const enrolment: Enrolment = {
  version: 1,
  lab: "lab",
  nodes: { cp1: { hostKey: "SHA256:one", machineId }, w1: { machineId: other } },
};

function failureOf(work: () => void): EnrolmentError {
  try {
    work();
  } catch (error) {
    if (error instanceof EnrolmentError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("the lock file", () => {
  it("enrols nobody while it is not there", async () => {
    expect(await readEnrolment(inventory)).toEqual({ version: 1, lab: "lab", nodes: {} });
  });

  it("is read as it was written, and leaves no other file", async () => {
    await writeEnrolment(inventory, { ...enrolment, nodes: {} });
    await writeEnrolment(inventory, enrolment);
    expect(await readEnrolment(inventory)).toEqual(enrolment);
    expect(readdirSync(folder).sort()).toEqual(["lab.yaml", "lab.yaml.lock"]);
    expect(JSON.parse(readFileSync(`${inventory.file}.lock`, "utf8"))).toEqual(enrolment);
  });

  it("that cannot be written is an error, and leaves nothing behind", async () => {
    const lost = { ...inventory, file: join(folder, "none", "lab.yaml") };
    await expect(writeEnrolment(lost, enrolment)).rejects.toThrow(
      /none\/lab\.yaml\.lock cannot be written: ENOENT/,
    );
  });

  it.each([
    ["", /is damaged/],
    ["{", /is damaged/],
    ["[]", /is damaged/],
    ['{"version":1,"lab":"lab"}', /is damaged/],
    ['{"version":1,"lab":"lab","nodes":{"cp1":{"hostKey":"x"}}}', /is damaged/],
    ['{"version":2,"lab":"lab","nodes":{}}', /is of version 2, this kbreak knows version 1 only/],
    ['{"version":1,"lab":"prod","nodes":{}}', /enrols the lab "prod", but the inventory's name is "lab"/],
  ])("with %s is refused", async (text, message) => {
    writeFileSync(`${inventory.file}.lock`, text);
    await expect(readEnrolment(inventory)).rejects.toThrow(EnrolmentError);
    await expect(readEnrolment(inventory)).rejects.toThrow(message);
  });
});

describe("checkIdentity", () => {
  it.each<[string, string, Identity]>([
    ["the same key and machine", "cp1", { hostKey: "SHA256:one", machineId }],
    ["the same machine by a transport without host keys", "cp1", { machineId }],
    ["a machine that was enrolled without a host key", "w1", { hostKey: "SHA256:any", machineId: other }],
  ])("takes %s", (_what, node, seen) => {
    checkIdentity(inventory, enrolment, node, seen);
  });

  it.each<[string, Identity, RegExp]>([
    [
      "another host key",
      { hostKey: "SHA256:two", machineId },
      /^cp1 has another ssh host key .*SHA256:one.*SHA256:two/,
    ],
    [
      "another machine",
      { hostKey: "SHA256:one", machineId: other },
      /^cp1 is not the machine .* a copy; .*0123.*fedc/,
    ],
    [
      "another machine with another key",
      { hostKey: "SHA256:two", machineId: other },
      /its address belongs to another/,
    ],
    ["another machine behind a command", { machineId: other }, /^cp1 is not the machine that was enrolled/],
  ])("refuses %s and says what to type", (_what, seen, message) => {
    const failure = failureOf(() => checkIdentity(inventory, enrolment, "cp1", seen));
    expect(failure.message).toMatch(message);
    expect(failure.target).toBe("cp1");
    expect(failure.hint).toContain(`kbreak inventory enrol -i ${inventory.file} --replace cp1`);
  });

  describe("of a cluster", () => {
    const known = { machineId, authorities: ["A", "B"], clusterUid: "a-1" };
    const clusters: Enrolment = { ...enrolment, nodes: { cp1: known, w1: { machineId } } };

    it.each<[string, string, Identity]>([
      ["that is known by all", "cp1", known],
      ["with a new authority beside an old one", "cp1", { ...known, authorities: ["B", "C"] }],
      ["whose API server does not answer", "cp1", { machineId, authorities: ["A", "B"] }],
      ["with no certificates", "cp1", { machineId, clusterUid: "a-1" }],
      ["where none was when it was enrolled", "w1", known],
    ])("takes one %s", (_what, node, seen) => {
      checkIdentity(inventory, clusters, node, seen);
    });

    it.each<[string, Identity, RegExp]>([
      [
        "other authorities",
        { ...known, authorities: ["C"] },
        /certificates \(SHA-256\) were A…, B… and are C…$/,
      ],
      [
        "another uid",
        { ...known, clusterUid: "b-2" },
        /; the uid of its namespace kube-system was a-1 and is b-2$/,
      ],
      ["another uid and no certificates", { machineId, clusterUid: "b-2" }, /was a-1 and is b-2$/],
    ])("refuses one with %s", (_what, seen, message) => {
      const failure = failureOf(() => checkIdentity(inventory, clusters, "cp1", seen));
      expect(failure.message).toMatch(/^cp1 is of another cluster than when it was enrolled: /);
      expect(failure.message).toMatch(message);
    });
  });

  describe("of a container", () => {
    const [id, another] = ["a".repeat(64), "b".repeat(64)];
    const containers: Enrolment = {
      ...enrolment,
      nodes: { cp1: { machineId, containerId: id }, w1: { machineId } },
    };

    it.each<[string, string, Identity]>([
      ["with a new machine-id, as kind makes at every start", "cp1", { machineId: other, containerId: id }],
      ["that was enrolled by its machine-id", "w1", { machineId, containerId: another }],
    ])("takes one %s", (_what, node, seen) => {
      checkIdentity(inventory, containers, node, seen);
    });

    it.each<[string, Identity]>([
      ["another container of the same machine-id", { machineId, containerId: another }],
      ["a machine that is no container", { machineId }],
    ])("refuses %s", (_what, seen) => {
      const failure = failureOf(() => checkIdentity(inventory, containers, "cp1", seen));
      expect(failure.message).toMatch(/^cp1 is not the container that was enrolled: .* its id was aaa/);
    });
  });

  it.each(["db", "constructor", "__proto__"])("refuses %s, which is not enrolled", (node) => {
    const failure = failureOf(() => enrolledIdentity(inventory, enrolment, node));
    expect(failure.message).toBe(`${node} is not enrolled as a lab node, so nothing of it is changed`);
    expect(failure.hint).toBe(`kbreak inventory enrol -i ${inventory.file}`);
  });
});
