import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { parse, stringify } from "yaml";
import { register } from "../../src/cli/inventory.ts";
import { ConfigError, ConnectError, PreconditionError } from "../../src/errors.ts";
import { loadInventory } from "../../src/inventory/load.ts";
import { clientOf } from "../../src/kubernetes/client.ts";
import { loadKubeconfig } from "../../src/kubernetes/kubeconfig.ts";
import { listNodes } from "../../src/kubernetes/nodes.ts";
import { issue, makeAuthority } from "../../src/lab/kubeadm/certificates.ts";
import { expiredCertificate } from "../kubernetes/expired.ts";
import { type FakeApi, startFakeApi, token } from "../kubernetes/fake-api.ts";

const folder = mkdtempSync(join(tmpdir(), "import-"));
const node = (name: string, labels: Readonly<Record<string, string>>, addresses: readonly string[]) => ({
  metadata: { name, labels },
  status: {
    addresses: [
      { type: "Hostname", address: name },
      ...addresses.map((address) => ({ type: "InternalIP", address })),
    ],
  },
});
const zone = "topology.kubernetes.io/zone";
let api: FakeApi;

beforeAll(async () => {
  api = await startFakeApi([
    node("w1.example.com", { [zone]: "b" }, ["10.0.0.21", "fd00::21"]),
    node("cp1", { "node-role.kubernetes.io/control-plane": "" }, ["10.0.0.11"]),
    node("old", { "node-role.kubernetes.io/master": "" }, []),
  ]);
});
afterAll(() => {
  api.close();
  rmSync(folder, { recursive: true });
});

const write = (text: string, name = "admin.conf") => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

/** Gives what is printed. @throws what the command ends with. */
async function imported(...words: readonly string[]): Promise<string> {
  const out: string[] = [];
  const stdout = vi.spyOn(process.stdout, "write").mockImplementation((text) => out.push(String(text)) > 0);
  const program = new Command().exitOverride();
  register(program);
  try {
    await program.parseAsync(["inventory", "import", ...words], { from: "user" });
  } finally {
    stdout.mockRestore();
  }
  return out.join("");
}

describe("inventory import kubeadm", () => {
  it("prints an inventory that is one: roles, addresses, zones, and how ssh gets there", async () => {
    const text = await imported(
      ...["kubeadm", "--kubeconfig", write(api.config()), "--name", "show", "--user", "ubuntu"],
      ...["--identity-file", "/k", "--port", "2222", "--become"],
    );
    expect(parse(text)).toEqual({
      name: "show",
      defaults: { user: "ubuntu", port: 2222, key: "/k", become: true },
      nodes: {
        cp1: { host: "10.0.0.11", roles: ["control-plane"] },
        old: { roles: ["control-plane"] },
        "w1.example.com": { host: "10.0.0.21", roles: ["worker"], zone: "b" },
      },
      clusters: {
        kubernetes: { kubeconfig: join(folder, "admin.conf"), nodes: ["cp1", "old", "w1.example.com"] },
      },
    });
    const { nodes } = await loadInventory(write(text, "lab.yaml"));
    expect(nodes.map(({ name, cluster }) => [name, cluster])).toEqual([
      ["cp1", "kubernetes"],
      ["old", "kubernetes"],
      ["w1.example.com", "kubernetes"],
    ]);
  });

  it("takes a token, and leaves to ~/.ssh/config what is not said", async () => {
    const config = { ...parse(api.config()), users: [{ name: "kubernetes-admin", user: { token } }] };
    const text = await imported("kubeadm", "--kubeconfig", write(stringify(config)));
    expect(parse(text)).not.toHaveProperty("defaults");
    expect(parse(text).name).toBe("kubernetes");
  });

  const client = (commonName: string) => issue(api.ca, { commonName, usage: ["client"] });
  it.each([
    [
      "an API that nobody serves",
      async () => api.config({ server: "https://127.0.0.1:1" }),
      ConnectError,
      /^https:\/\/127\.0\.0\.1:1 cannot be reached: connect ECONNREFUSED/,
    ],
    [
      "an API of another CA",
      async () => api.config({ ca: (await makeAuthority("kubernetes")).certificate }),
      ConnectError,
      /cannot be reached: .*(certificate|signature)/i,
    ],
    [
      "a certificate of another CA",
      async () =>
        api.config({
          credential: await issue(await makeAuthority("kubernetes"), { commonName: "x", usage: ["client"] }),
        }),
      ConnectError,
      /does not know the credentials of the user "kubernetes-admin" in \S+admin\.conf$/,
    ],
    [
      "an expired certificate",
      async () => api.config({ credential: await expiredCertificate() }),
      ConnectError,
      /admin\.conf: the client certificate of the user "kubernetes-admin" expired on 2020-02-03$/,
    ],
    [
      "a user without rights",
      async () => api.config({ credential: await client("ada") }),
      PreconditionError,
      /may not list nodes/,
    ],
    [
      "a path that is no API's",
      async () => api.config({ server: `${api.url}/elsewhere` }),
      Error,
      /answers 404 when asked to list nodes/,
    ],
    [
      "a kubeconfig with a helper",
      async () =>
        api
          .config()
          .replace(/client-certificate-data: .*/, `exec: {command: touch, args: [${join(folder, "ran")}]}`),
      ConfigError,
      /gets its credentials from a program/,
    ],
  ])("tells of %s, and what to do", async (_what, config, kind, message) => {
    const failure = imported("kubeadm", "--kubeconfig", write(await config()));
    await expect(failure).rejects.toThrow(kind);
    await expect(failure).rejects.toThrow(message);
    if (kind !== Error && kind !== ConfigError)
      await expect(failure).rejects.toMatchObject({ hint: expect.stringMatching(/./) });
    expect(existsSync(join(folder, "ran"))).toBe(false);
  });

  it("does not wait for ever", async () => {
    const config = await loadKubeconfig(write(api.config({ credential: await client("slow") })));
    await expect(listNodes(await clientOf(config, 300))).rejects.toThrow(/has not answered within 0\.3 s/);
  });

  it("refuses nodes that no inventory can hold", async () => {
    const other = await startFakeApi([node("worker", {}, ["10.0.0.1"])]);
    const failure = imported("kubeadm", "--kubeconfig", write(other.config()));
    await expect(failure).rejects.toThrow(/no valid inventory .*`worker` selects nodes in every inventory/);
    other.close();
  });
});
