import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { differences } from "../../src/fingerprint/differences.ts";
import { fingerprint } from "../../src/fingerprint/fingerprint.ts";
import type { Fingerprint } from "../../src/fingerprint/types.ts";
import { connect } from "../../src/transport/connect.ts";
import { type TestLab, type TestNode, useLab } from "../support/lab.ts";

let lab: TestLab;
let node: TestNode;
let before: Fingerprint;

async function look(): Promise<Fingerprint> {
  const connection = await connect(node.access, { hostKey: node.identity.hostKey });
  try {
    return await fingerprint(connection);
  } finally {
    await connection.close();
  }
}

beforeAll(async () => {
  lab = await useLab({ nodes: "1+0", fresh: true });
  node = lab.node("cp1");
  before = await look();
});
afterAll(() => lab?.down());

describe("a node looks the same", () => {
  it("after its services were started again", async () => {
    const units = "cron atd etcd systemd-logind systemd-journald dbus ssh";
    expect((await node.exec(`systemctl daemon-reload && systemctl restart ${units} && sleep 1`)).code).toBe(
      0,
    );
    expect(differences(before, await look())).toEqual([]);
  });

  it("after its power was cut", async () => {
    await node.powerCut();
    await node.start();
    expect(differences(before, await look())).toEqual([]);
  });
});
