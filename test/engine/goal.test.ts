import { existsSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkGoals } from "../../src/engine/goal.ts";
import { httpAnswer, httpScript } from "../../src/engine/goal-http.ts";
import type { GoalRecord } from "../../src/engine/records.ts";
import { openSession, type Session } from "../../src/engine/session.ts";
import { PreconditionError, UsageError } from "../../src/errors.ts";
import type { Fingerprint } from "../../src/fingerprint/types.ts";
import { attempt } from "../../src/lab/command.ts";
import { renderStates } from "../../src/render/status.ts";
import { quote } from "../../src/shell.ts";
import { connect } from "../../src/transport/connect.ts";
import { type Bench, changesSince, look, on, useBench } from "../support/bench.ts";
import type { TestNode } from "../support/lab.ts";
import { serve } from "../support/web.ts";

let bench: Bench;
let cp1: TestNode;
let w1: TestNode;
let sessions: Map<string, Session>;
const ends: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  bench = await useBench({ nodes: "1+1", fresh: true });
  cp1 = bench.lab.node("cp1");
  w1 = bench.lab.node("w1");
  sessions = new Map();
  for (const node of [cp1, w1])
    sessions.set(node.name, await openSession(node.access, node.identity, { connect }));
  ends.push(await serve(w1, 30000, { "/": "v2: row 7", "/v1": "v1" }));
});
afterAll(async () => {
  for (const session of sessions?.values() ?? []) await session.close();
  for (const end of ends.toReversed()) await end();
  await bench?.end();
});

type Question = GoalRecord extends infer Goal ? (Goal extends unknown ? Omit<Goal, "name"> : never) : never;

/** Why a goal is not met; "" when it is. */
async function why(question: Question): Promise<string> {
  const [state] = await checkGoals([{ name: "a", ...question } as GoalRecord], sessions);
  expect(state?.met).toBe(state?.detail === "");
  return state?.detail ?? "no answer at all";
}

const url = "http://10.77.0.101:30000";
const ok = { status: 200, deadline: 2 };

describe("a URL that a node asks", () => {
  it.each([
    ["is met by its status", { http: `${url}/`, ...ok }, /^$/],
    ["is met by its text", { http: `${url}/`, ...ok, contains: "v2: row" }, /^$/],
    ["is met by another status that was wanted", { http: `${url}/no`, ...ok, status: 404 }, /^$/],
    ["has the wrong text", { http: `${url}/v1`, ...ok, contains: "v2" }, /^"v2" is not in the answer$/],
    ["has the wrong status", { http: `${url}/no`, ...ok }, /^it answers 404, not 200$/],
    ["has nobody who listens", { http: "http://10.77.0.101:30001/", ...ok }, /Failed to connect|refused/],
    ["takes too long", { http: `${url}/slow`, ...ok }, /timed out/],
    ["is no command", { http: `${url}/$(touch /root/here)'"\`touch /root/here\``, ...ok }, /404|Malformed/],
  ])("%s", async (_what, question, detail) => {
    expect(await why({ target: "cp1", ...question })).toMatch(detail);
  });

  it("is asked without the settings in root's home", async () => {
    await on(cp1, "echo 'url = http://10.77.0.101:30000/v1' > /root/.curlrc");
    expect(await why({ target: "cp1", http: `${url}/`, ...ok, contains: "v2" })).toBe("");
    await on(cp1, "rm /root/.curlrc");
  });
});

describe("a URL that is asked from here", () => {
  let here: string;
  let server: Server;
  beforeAll(async () => {
    server = createServer((request, response) => {
      if (request.url === "/slow") return;
      if (request.url === "/moved") response.writeHead(302, { location: "/" });
      if (request.url === "/endless") {
        const more = () => {
          while (response.write("v1 ".repeat(10_000)));
        };
        response.on("drain", more);
        more();
        return;
      }
      response.end("v2: row 7");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    here = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it.each([
    ["is met", "/", { contains: "v2" }, /^$/],
    ["has the wrong text", "/", { contains: "v3" }, /^"v3" is not in the answer$/],
    ["leads elsewhere", "/moved", {}, /^it answers 302, not 200$/],
    ["takes too long", "/slow", {}, /^no answer from \S+ within 2 s$/],
    ["never ends", "/endless", { contains: "v2" }, /^"v2" is not in the answer$/],
  ])("%s", async (_what, path, more, detail) => {
    expect(await why({ http: `${here}${path}`, ...ok, ...more })).toMatch(detail);
  });

  it("has nobody who listens", async () => {
    expect(await why({ http: "http://127.0.0.1:9/", ...ok })).toMatch(/ECONNREFUSED/);
  });
});

// The practice nodes have curl; this machine stands for a node that has wget only.
describe.skipIf(!existsSync("/usr/bin/wget"))("a URL that is asked by wget", () => {
  let server: Server;
  let here: string;
  const path = mkdtempSync(join(tmpdir(), "kbreak-wget-"));
  beforeAll(async () => {
    for (const name of ["wget", "head", "base64", "tr", "timeout"])
      symlinkSync(`/usr/bin/${name}`, join(path, name));
    server = createServer((request, response) => {
      if (request.url === "/sick") response.writeHead(503);
      response.end("v2: row 7");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    here = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.close();
    rmSync(path, { recursive: true });
  });

  it.each([
    ["/", { status: 200, body: "v2: row 7" }],
    ["/sick", { status: 503, body: "v2: row 7" }],
  ])("%s", async (page, wanted) => {
    const functions = "put() { echo \"$2\"; }; b64() { base64 | tr -d '\\n'; }";
    const script = `PATH=${path}\n${functions}\n${httpScript(`${here}${page}`, 5).shell} 2>/dev/null`;
    const { stdout } = await attempt(["/bin/sh", "-c", script]);
    const answer = stdout.trim().split("\n").at(-1) ?? "";
    expect(httpAnswer(Buffer.from(answer, "base64").toString())).toEqual(wanted);
  });
});

describe("a command", () => {
  it.each([
    ["is met", "echo v2", /^$/],
    ["fails", "echo out of order; exit 3", /^out of order$/],
    ["takes too long", "echo begun; sleep 60", /^no answer within 2 s: begun$/],
  ])("%s", async (_what, run, detail) => {
    expect(await why({ target: "w1", run, deadline: 2 })).toMatch(detail);
  });
});

describe("what kubectl is asked", () => {
  const deployment = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", namespace: "shop", resourceVersion: "1", uid: "1" },
    status: { readyReplicas: 2, conditions: [{ type: "Available", status: "True" }] },
  };
  const list = { apiVersion: "apps/v1", kind: "DeploymentList", metadata: { resourceVersion: "1" } };
  const folder = "/apis/apps/v1/namespaces/shop/deployments";
  const resource = { name: "deployments", singularName: "deployment", namespaced: true, kind: "Deployment" };
  // As much of an API server as kubectl needs.
  const api = {
    "/api": { kind: "APIVersions", versions: ["v1"] },
    "/api/v1": { kind: "APIResourceList", groupVersion: "v1", resources: [] },
    "/apis": {
      kind: "APIGroupList",
      apiVersion: "v1",
      groups: [
        {
          name: "apps",
          versions: [{ groupVersion: "apps/v1", version: "v1" }],
          preferredVersion: { groupVersion: "apps/v1", version: "v1" },
        },
      ],
    },
    "/apis/apps/v1": {
      kind: "APIResourceList",
      apiVersion: "v1",
      groupVersion: "apps/v1",
      resources: [{ ...resource, verbs: ["get", "list", "watch"] }],
    },
    [folder]: { ...list, items: [deployment] },
    [`${folder}/web`]: deployment,
    "/apis/apps/v1/namespaces/default/deployments": { ...list, items: [] },
  };
  const config = "/etc/kubernetes/admin.conf";
  const web = { namespace: "shop", get: "deployment/web" };
  let before: Fingerprint;

  beforeAll(async () => {
    const pages = Object.entries(api).map(([path, value]) => [path, JSON.stringify(value)] as const);
    ends.push(await serve(cp1, 6480, Object.fromEntries(pages)));
    await on(
      cp1,
      `cp -p ${config} /root/kept; sed -i 's,server: .*,server: http://127.0.0.1:6480,' ${config}`,
    );
    before = await look(cp1);
  });

  it.each([
    ["is there", { kubectl: web }, /^$/],
    ["is as it should be", { kubectl: { ...web, jsonpath: "{.status.readyReplicas}" }, contains: "2" }, /^$/],
    [
      "is otherwise",
      { kubectl: { ...web, jsonpath: "{.status.readyReplicas}" }, contains: "3" },
      /^"3" was not printed$/,
    ],
    ["has no such part", { kubectl: { ...web, jsonpath: "{.status.none}" } }, /^kubectl found nothing$/],
    ["is not there", { kubectl: { ...web, get: "deployment/db" } }, /deployment|find/i],
    ["is nowhere", { kubectl: { get: "deployments" } }, /^kubectl found nothing$/],
    ["is no resource", { kubectl: { get: "nonsense/x" } }, /doesn't have a resource type "nonsense"/],
    ["is in the condition", { kubectl: { ...waiting("condition=Available") } }, /^$/],
    ["does not get there in time", { kubectl: { ...waiting("condition=Progressing") } }, /timed out/],
    [
      "is no command",
      { kubectl: { ...web, jsonpath: "{'$(touch /root/here)'}" }, contains: "$(touch /root/here)" },
      /^$/,
    ],
  ])("%s", async (_what, question, detail) => {
    expect(await why({ target: "cp1", deadline: 2, ...question })).toMatch(detail);
  });

  function waiting(condition: string) {
    return { wait: "deployment/web", for: condition, namespace: "shop" };
  }

  it("leaves nothing behind", async () => {
    expect(await changesSince(cp1, before)).toEqual([]);
  });

  it.each([
    ["a helper", "users: [{name: x, user: {exec: {command: touch, args: [/root/here]}}}]"],
    ["a helper in disguise", String.raw`users: [{name: x, user: {"\u0065xec": {command: touch}}}]`],
  ])("is not asked with %s in the kubeconfig", async (_what, users) => {
    await on(cp1, `cp -p ${config} /root/sound; printf '%s\\n' ${quote(users)} >> ${config}`);
    expect(await why({ target: "cp1", kubectl: web, deadline: 2 })).toMatch(/has a credential helper/);
    await on(cp1, `mv /root/sound ${config}`);
  });

  it.each([
    ["the API is dead", "cp1", `sed -i 's,:6480,:6481,' ${config}`, /refused/],
    ["there is no kubeconfig", "w1", ":", /^there is no \/etc\/kubernetes\/admin.conf/],
  ])("is not answered where %s", async (_what, target, spoil, detail) => {
    await on(bench.lab.node(target), spoil);
    expect(await why({ target, kubectl: web, deadline: 2 })).toMatch(detail);
  });

  it("never ran anything of ours or the kubeconfig's", async () => {
    expect((await cp1.exec("ls /root/here")).code).not.toBe(0);
  });
});

describe("a playbook's goal", () => {
  const playbook = (goal: string) =>
    bench.playbook(
      `name: goal\ngoal:\n  - name: it works\n    ${goal}\nsteps:\n  - break: files/immutable\n`,
    );
  const limit = "cp1";

  it("is asked on nodes that are not broken, too, and at the address of the node that its URL names", async () => {
    const run = await bench.apply(
      await playbook("http: http://{w1}:30000/\n    on: w1\n    contains: row 7"),
      { limit },
    );
    const met = await bench.status(run);
    expect(met.goals).toEqual([{ name: "it works", target: "w1", met: true, detail: "" }]);
    await on(w1, "systemctl stop web-30000");
    const unmet = await bench.status(run);
    expect(unmet.goals).toMatchObject([{ met: false, detail: expect.stringMatching(/connect/i) }]);
    await bench.undo(run);

    const open = renderStates([unmet], true);
    expect(open).toMatch(/goal not met/);
    expect(open).toMatch(/w1 +it works +not met +.*connect/i);
    expect(renderStates([met], true)).toMatch(/w1 +it works +met/);
    expect(renderStates([unmet], false)).toBe(`run ${run}: 1 of 1 in effect\ngoal not met`);
  });

  it("is refused when nobody answers, wherever it is asked", async () => {
    for (const goal of ["http: http://127.0.0.1:9/", "http: http://{w1}:30000/\n    on: w1"]) {
      const refusal = bench.apply(await playbook(goal), { limit });
      await expect(refusal).rejects.toThrow(PreconditionError);
      await expect(refusal).rejects.toThrow(/the goal "it works" is not met before anything is broken/);
    }
  });

  it("is refused when its URL names no node", async () => {
    const refusal = bench.plan(await playbook("http: http://{w2}/"), { limit });
    await expect(refusal).rejects.toThrow(UsageError);
    await expect(refusal).rejects.toThrow(/names the node \{w2\}, .* did you mean `w1`\?/);
  });
});
