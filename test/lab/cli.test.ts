import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Ran } from "../../src/lab/command.ts";
import { attempt } from "../../src/lab/command.ts";
import { compiled } from "../support/compiled.ts";
import type { TestLab } from "../support/lab.ts";
import { useLab } from "../support/lab.ts";

let project: string;
let lab: TestLab;

beforeAll(async () => {
  project = await compiled();
  // Only the two commands under test, so that this does not depend on the others.
  writeFileSync(
    join(project, "only-lab.js"),
    [
      'import { Command } from "commander";',
      'import { register as lab } from "./src/cli/lab.js";',
      'import { register as doctor } from "./src/cli/doctor.js";',
      'const program = new Command("kbreak");',
      "lab(program);",
      "doctor(program);",
      "try { await program.parseAsync(); } catch (error) {",
      "  console.error(error.message); process.exitCode = error.exitCode ?? 1; }",
    ].join("\n"),
  );
  lab = await useLab({ nodes: "1+1" });
});
afterAll(async () => {
  rmSync(project, { recursive: true, force: true });
  await lab.down();
});

function kbreak(...args: readonly string[]): Promise<Ran> {
  return attempt([process.execPath, join(project, "only-lab.js"), ...args]);
}

describe("kbreak lab", () => {
  test("status -o json gives the nodes as data", async () => {
    const { code, stdout, stderr } = await kbreak("lab", "status", "--name", lab.name, "-o", "json");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const status = JSON.parse(stdout);
    expect(status).toMatchObject({ name: lab.name, state: "running", inventory: lab.inventory });
    expect(status.nodes).toContainEqual({
      name: "cp1",
      role: "control-plane",
      provider: "namespace",
      address: "10.77.0.11",
      sshPort: lab.node("cp1").access.port,
      state: "running",
      uptime: expect.any(Number),
    });
  });

  test("ssh --rescue runs a command on a node whose ssh server and network are down", async () => {
    const { code, stderr } = await kbreak(
      ...["lab", "ssh", "--rescue", "w1", "--name", lab.name, "--"],
      "systemctl stop ssh.service ssh.socket; ip link set eth0 down; hostname; exit 7",
    );
    expect({ code, stderr }).toEqual({ code: 7, stderr: "" });
    const mended = await kbreak(
      ...["lab", "ssh", "--rescue", "w1", "--name", lab.name, "--"],
      "ip link set eth0 up; ip route add default via 10.77.0.1; systemctl start ssh.service",
    );
    expect(mended.code, mended.stderr).toBe(0);
    expect((await lab.node("w1").exec("hostname")).stdout).toBe("w1\n");
  });

  test("status shows a table", async () => {
    const { stdout } = await kbreak("lab", "status", "--name", lab.name);
    expect(stdout).toMatch(
      /^NAME +ROLE +PROVIDER +STATE +UPTIME +ADDRESS +SSH\ncp1 +control-plane +namespace +running +\d+[smh] /,
    );
  });

  test("status of a lab that is not there says so, and what makes one", async () => {
    const { code, stdout, stderr } = await kbreak("lab", "status", "--name", "nowhere");
    expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
    expect(stderr).toContain("kbreak lab up --name nowhere");
    const json = await kbreak("lab", "status", "--name", "nowhere", "-o", "json");
    expect(JSON.parse(json.stdout)).toEqual({ name: "nowhere", state: "absent", nodes: [] });
  });

  test("ssh runs a command and ends as it ends", async () => {
    const { code, stdout } = await kbreak("lab", "ssh", "--name", lab.name, "w1", "--", "hostname; exit 7");
    expect({ code, stdout }).toEqual({ code: 7, stdout: "w1\n" });
  });

  test("a wrong number of nodes is a usage error, and nothing is made", async () => {
    const { code, stderr } = await kbreak("lab", "up", "--name", "nowhere", "--nodes", "many");
    expect(code).toBe(64);
    expect(stderr).toContain("--nodes many");
    expect(JSON.parse((await kbreak("lab", "status", "--name", "nowhere", "-o", "json")).stdout).state).toBe(
      "absent",
    );
  });
});

describe("kbreak doctor", () => {
  test("finds all here", async () => {
    const { code, stdout } = await kbreak("doctor", "-o", "json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, fixes: [] });
  });

  test("without root's rights says so and ends with 1", async () => {
    // Root without the rights of root, as in a container: the files of the project stay readable.
    const { code, stdout } = await attempt([
      ...["setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-all"],
      ...[process.execPath, join(project, "only-lab.js"), "doctor"],
    ]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^root +MISSING/m);
    expect(stdout).toMatch(/kubeadm.*kind/s);
  });
});
