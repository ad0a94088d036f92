/**
 * `npm run demo`: boots two practice nodes, breaks them with playbooks/first-light.yaml, meets each symptom as a fixer
 * would, undoes, and shows that the nodes are what they were. `npm run demo -- --kubernetes` does it on a real cluster
 * with playbooks/page-without-a-row.yaml. Everything it makes is gone afterwards.
 */
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pc from "picocolors";
import { messageOf } from "../src/errors.ts";
import { differences } from "../src/fingerprint/differences.ts";
import type { Snapshot } from "../src/fingerprint/snapshot.ts";
import { runAttached } from "../src/lab/command.ts";
import { prepareHost } from "./prepare-host.ts";

const cli = fileURLToPath(new URL("../src/cli/main.js", import.meta.url));
const playbookFile = (name: string) =>
  fileURLToPath(new URL(`../../playbooks/${name}.yaml`, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "kbreak-demo-"));
process.env.KBREAK_DATA_DIR = folder;

const say = (text: string) => process.stdout.write(`\n${pc.bold(pc.cyan(text))}\n`);

/** Runs kbreak as a person would, with the command shown. @throws when it does not end with `expected`. */
async function kbreak(words: readonly string[], expected = 0): Promise<void> {
  process.stdout.write(
    pc.dim(`$ kbreak ${words.map((word) => (/\s/.test(word) ? `'${word}'` : word)).join(" ")}\n`),
  );
  const code = await runAttached([process.execPath, cli, ...words]);
  if (code !== expected) throw new Error(`kbreak ${words[0]} ended with ${code}, not ${expected}`);
}

const onNode = (command: string, expected: number) => kbreak(["lab", "ssh", "cp1", "--", command], expected);

const etcdctl =
  "etcdctl --endpoints=https://127.0.0.1:2379 --cacert=/etc/kubernetes/pki/etcd/ca.crt --cert=/etc/kubernetes/pki/etcd/healthcheck-client.crt --key=/etc/kubernetes/pki/etcd/healthcheck-client.key";

/** What a fixer types, and how it ends on a broken node. */
const symptoms: readonly (readonly [string, string, number])[] = [
  [
    "A manifest that root cannot write:",
    "echo '# my fix' >> /etc/kubernetes/manifests/kube-apiserver.yaml",
    1,
  ],
  [
    "A kubeconfig whose context does not exist, though it is plainly there:",
    "kubectl --kubeconfig=/etc/kubernetes/scheduler.conf config view --minify",
    1,
  ],
  [
    "Credentials that come from a program, which leaves something behind at each kubectl:",
    "kubectl get nodes --kubeconfig=/etc/kubernetes/admin.conf --cache-dir=/dev/null --request-timeout=2s 2>/dev/null; sleep 0.2; cat /var/tmp/.auth-cache",
    0,
  ],
  [
    "A repair that does not last two seconds:",
    'cd /etc/kubernetes/manifests; repaired=$(sed s/=truee/=true/ kube-scheduler.yaml); echo "$repaired" > kube-scheduler.yaml; sleep 2; grep leader-elect kube-scheduler.yaml',
    0,
  ],
  ["An etcd that takes no put:", `${etcdctl} put /hello world`, 1],
];

function look(name: string): Snapshot {
  return JSON.parse(readFileSync(join(folder, "diff", `${name}.json`), "utf8")) as Snapshot;
}

/** Prints both looks of each node and whether they are equal. @throws when they are not. */
function compare(before: Snapshot, after: Snapshot): void {
  for (const [index, one] of before.fingerprints.entries()) {
    const other = after.fingerprints[index];
    if (other === undefined || differences(one, other).length > 0)
      throw new Error(`${one.node} is not what it was`);
    const digest = (sections: unknown) =>
      createHash("sha256").update(JSON.stringify(sections)).digest("hex").slice(0, 24);
    const things = Object.values(one.sections).reduce((sum, section) => sum + Object.keys(section).length, 0);
    process.stdout.write(
      `${one.node}  ${things} things looked at  before ${digest(one.sections)}  after ${digest(other.sections)}  ${pc.green("equal")}\n`,
    );
  }
}

/** Nodes that look like Kubernetes, and the breaks that Klustered made famous. */
async function onNodes(): Promise<void> {
  say("Two practice nodes");
  await kbreak(["lab", "up", "--nodes", "2"]);
  await kbreak(["diff", "save", "before"]);
  say("Break them");
  await kbreak(["apply", playbookFile("first-light"), "--yes"]);
  await kbreak(["status"]);
  for (const [text, command, code] of symptoms) {
    say(text);
    await onNode(command, code);
  }
  say("Put everything back");
  await kbreak(["undo"]);
  await kbreak(["diff", "save", "after"]);
  say("The nodes before and after");
  compare(look("before"), look("after"));
}

/** A cluster whose page shows a row of its database. */
async function onKubernetes(): Promise<void> {
  const page =
    "page=$(curl --silent --max-time 8 http://w1:30000/); echo \"$page\"; case $page in *'can be mended'*) ;; *) exit 1 ;; esac";
  say("A Kubernetes of two nodes, and its page");
  await kbreak(["lab", "up", "--kubernetes", "--nodes", "1+1"]);
  await onNode("kubectl get nodes,pods -A", 0);
  await onNode(page, 0);
  say("Break it");
  await kbreak(["apply", playbookFile("page-without-a-row"), "--yes"]);
  say("The goal is not met");
  await kbreak(["status"]);
  await onNode(page, 1);
  say("Put everything back");
  await kbreak(["undo"]);
  say("The goal is met again");
  await onNode("kubectl wait --for condition=Ready node --all --timeout 120s", 0);
  await onNode(page, 0);
}

const kubernetes = process.argv.includes("--kubernetes");
try {
  await prepareHost(kubernetes ? ["namespace", "kubernetes"] : ["namespace"]);
  await (kubernetes ? onKubernetes() : onNodes());
  process.exitCode = 0;
} catch (error) {
  process.stderr.write(`the demo failed: ${messageOf(error)}\n`);
  process.exitCode = 1;
} finally {
  say("And they are gone");
  await kbreak(["lab", "down"]);
  rmSync(folder, { recursive: true, force: true });
}
