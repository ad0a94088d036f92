import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { TestLab, TestNode } from "../support/lab.ts";
import { useLab } from "../support/lab.ts";

let lab: TestLab;
let cp: TestNode;
let worker: TestNode;

beforeAll(async () => {
  lab = await useLab({ nodes: "1+1" });
  cp = lab.node("cp1");
  worker = lab.node("w1");
});
afterAll(() => lab.down());

async function output(node: TestNode, command: string, user?: "lab"): Promise<string> {
  const { code, stdout, stderr } = await node.exec(command, user);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout.trim();
}

describe("a node", () => {
  test("has finished its start and no unit has failed", async () => {
    for (const node of lab.nodes) expect(await output(node, "systemctl is-system-running")).toBe("running");
  });

  test("has the name, the host key and the machine-id that the lab enrolled", async () => {
    for (const node of lab.nodes) {
      expect(await output(node, "hostname")).toBe(node.name);
      expect(await output(node, "cat /etc/machine-id")).toBe(node.identity.machineId);
      const key = await output(node, "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub");
      expect(key.split(" ")[1]).toBe(node.identity.hostKey);
    }
    expect(cp.identity).not.toEqual(worker.identity);
  });

  test("reaches the others by name", async () => {
    await output(cp, "ping -c1 -W2 w1");
    await output(worker, "ping -c1 -W2 cp1");
  });

  test("lets the unprivileged user in, who becomes root by sudo", async () => {
    expect(await output(cp, "id -un; sudo -n id -un", "lab")).toBe("lab\nroot");
  });

  test("has a disk of its own", async () => {
    await cp.exec("fallocate -l 5G /full; head -c 2G /dev/zero >/full");
    const full = await cp.exec("echo x >/root/more && sync -f /root/more && stat -c %s /root/more");
    const other = await worker.exec("echo x >/root/more && stat -c %s /root/more && rm /root/more");
    await cp.exec("rm -f /full /root/more");
    expect(full.stdout.trim()).not.toBe("2");
    expect(other.stdout.trim()).toBe("2");
  });

  test("cannot set the host's clock, sysctls or reboot by sysrq", async () => {
    const commands = ["date -s @0", "echo 1 >/proc/sys/vm/overcommit_memory", "echo s >/proc/sysrq-trigger"];
    for (const command of commands) expect((await cp.exec(command)).code).not.toBe(0);
    await output(cp, "echo 1 >/proc/sys/net/ipv4/ip_forward");
  });

  test("has no timer, and cron and at run", async () => {
    const timers = await output(
      cp,
      "systemctl list-timers --all --no-legend --plain | grep -v '^- *- *- *- '||:",
    );
    expect(timers).toBe("");
    expect(await output(cp, "systemctl is-active cron atd")).toBe("active\nactive");
  });

  test("changes no file while it is idle, but for logs and etcd's data", async () => {
    const look =
      "find / -xdev \\( -path /run -o -path /var/log -o -path /var/lib/etcd \\) -prune -o -printf '%p %y %m %U %G %s %T@\\n' | sort";
    const before = await output(cp, look);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(await output(cp, look)).toBe(before);
  });

  test("shows kbreak's name nowhere", async () => {
    // The brackets keep the search from finding itself.
    const search = [
      "grep -rIl 'k[b]reak' --exclude-dir=proc --exclude-dir=sys / 2>/dev/null",
      "find / -xdev -iname '*k[b]reak*' 2>/dev/null",
      "grep -al 'k[b]reak' /proc/[0-9]*/cmdline /proc/[0-9]*/environ /proc/[0-9]*/mountinfo /proc/[0-9]*/cgroup 2>/dev/null",
      "find /proc/[0-9]*/fd /proc/[0-9]*/cwd /proc/[0-9]*/root -lname '*k[b]reak*' 2>/dev/null",
      "grep -l 'k[b]reak' /sys/block/loop*/loop/backing_file 2>/dev/null",
      "grep -al 'k[b]reak' /proc/mounts /etc/hostname; journalctl --no-pager | grep 'k[b]reak'",
      "systemctl list-units --all --no-legend | grep 'k[b]reak'; ip -d addr | grep 'k[b]reak'; :",
    ].join("; ");
    for (const node of lab.nodes) expect((await node.exec(search)).stdout).toBe("");
  });

  test("that search would find it", async () => {
    await cp.exec("echo k''break >/root/found");
    const { stdout } = await cp.exec("grep -rIl 'k[b]reak' /root 2>/dev/null");
    await cp.exec("rm /root/found");
    expect(stdout).toBe("/root/found\n");
  });
});

describe("a control plane", () => {
  const etcdctl = [
    "etcdctl --endpoints https://127.0.0.1:2379 --cacert /etc/kubernetes/pki/etcd/ca.crt",
    "--cert /etc/kubernetes/pki/etcd/healthcheck-client.crt",
    "--key /etc/kubernetes/pki/etcd/healthcheck-client.key",
  ].join(" ");

  test("has a healthy etcd that keeps what is put", async () => {
    const { code, stdout, stderr } = await cp.exec(`${etcdctl} endpoint health`);
    expect({ code, said: stdout + stderr }).toEqual({ code: 0, said: expect.stringContaining("is healthy") });
    expect(await output(cp, `${etcdctl} put a b; ${etcdctl} get a; ${etcdctl} del a`)).toBe("OK\na\nb\n1");
  });

  test("has an etcd that refuses those without a certificate", async () => {
    const plain = "etcdctl --endpoints https://127.0.0.1:2379 --cacert /etc/kubernetes/pki/etcd/ca.crt";
    expect((await cp.exec(`${plain} --command-timeout 2s get a`)).code).not.toBe(0);
  });

  test.each([
    ["ca.crt", "apiserver.crt", "sslserver"],
    ["ca.crt", "apiserver-kubelet-client.crt", "sslclient"],
    ["front-proxy-ca.crt", "front-proxy-client.crt", "sslclient"],
    ["etcd/ca.crt", "apiserver-etcd-client.crt", "sslclient"],
    ["etcd/ca.crt", "etcd/server.crt", "sslserver"],
    ["etcd/ca.crt", "etcd/server.crt", "sslclient"],
    ["etcd/ca.crt", "etcd/peer.crt", "sslserver"],
    ["etcd/ca.crt", "etcd/peer.crt", "sslclient"],
    ["etcd/ca.crt", "etcd/healthcheck-client.crt", "sslclient"],
  ])("%s signs %s for %s, and its key fits", async (ca, certificate, purpose) => {
    const [file, key] = [certificate, certificate.replace(".crt", ".key")];
    const verify = `cd /etc/kubernetes/pki && openssl verify -x509_strict -purpose ${purpose} -CAfile ${ca} ${file}`;
    expect(await output(cp, verify)).toBe(`${file}: OK`);
    const keys = `cd /etc/kubernetes/pki && openssl x509 -noout -pubkey -in ${file} && openssl pkey -pubout -in ${key}`;
    const [first, second] = (await output(cp, keys)).split(/(?<=-----END PUBLIC KEY-----)\n/);
    expect(first).toBe(second);
  });

  test("has kubeadm's files with kubeadm's modes", async () => {
    const list = await output(cp, "cd /etc/kubernetes && find . -type f -printf '%m %u %P\\n' | sort -k3");
    expect(list.split("\n")).toEqual(
      [
        "600 root admin.conf",
        "600 root controller-manager.conf",
        "600 root kubelet.conf",
        "600 root manifests/etcd.yaml",
        "600 root manifests/kube-apiserver.yaml",
        "600 root manifests/kube-controller-manager.yaml",
        "600 root manifests/kube-scheduler.yaml",
        "644 root pki/apiserver.crt",
        "644 root pki/apiserver-etcd-client.crt",
        "600 root pki/apiserver-etcd-client.key",
        "600 root pki/apiserver.key",
        "644 root pki/apiserver-kubelet-client.crt",
        "600 root pki/apiserver-kubelet-client.key",
        "644 root pki/ca.crt",
        "600 root pki/ca.key",
        "644 root pki/etcd/ca.crt",
        "600 root pki/etcd/ca.key",
        "644 root pki/etcd/healthcheck-client.crt",
        "600 root pki/etcd/healthcheck-client.key",
        "644 root pki/etcd/peer.crt",
        "600 root pki/etcd/peer.key",
        "644 root pki/etcd/server.crt",
        "600 root pki/etcd/server.key",
        "644 root pki/front-proxy-ca.crt",
        "600 root pki/front-proxy-ca.key",
        "644 root pki/front-proxy-client.crt",
        "600 root pki/front-proxy-client.key",
        "600 root pki/sa.key",
        "600 root pki/sa.pub",
        "600 root scheduler.conf",
        "600 root super-admin.conf",
      ].sort((a, b) => ((a.split(" ")[2] ?? "") < (b.split(" ")[2] ?? "") ? -1 : 1)),
    );
  });

  test.each([
    ["/etc/kubernetes/admin.conf", "kubernetes-admin@kubernetes"],
    ["/etc/kubernetes/super-admin.conf", "kubernetes-super-admin@kubernetes"],
    ["/etc/kubernetes/controller-manager.conf", "system:kube-controller-manager@kubernetes"],
    ["/etc/kubernetes/scheduler.conf", "system:kube-scheduler@kubernetes"],
    ["/etc/kubernetes/kubelet.conf", "system:node:cp1@kubernetes"],
    ["/root/.kube/config", "kubernetes-admin@kubernetes"],
  ])("kubectl reads %s", async (file, context) => {
    const view = JSON.parse(await output(cp, `kubectl --kubeconfig ${file} config view --raw -o json`));
    expect(view["current-context"]).toBe(context);
    expect(view.clusters[0].cluster.server).toBe("https://10.77.0.11:6443");
    const { user } = view.users[0];
    const certificate = user["client-certificate-data"]
      ? `echo ${user["client-certificate-data"]} | base64 -d`
      : `cat ${user["client-certificate"]}`;
    const verify = `${certificate} >/tmp/c && openssl verify -purpose sslclient -CAfile /etc/kubernetes/pki/ca.crt /tmp/c; rm /tmp/c`;
    expect(await output(cp, verify)).toBe("/tmp/c: OK");
  });

  test("has manifests that kubectl takes for static pods, whose files are all there", async () => {
    for (const name of ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"]) {
      const manifest = parse(await output(cp, `cat /etc/kubernetes/manifests/${name}.yaml`));
      expect(manifest).toMatchObject({
        kind: "Pod",
        metadata: { name, namespace: "kube-system", labels: { component: name } },
        spec: { hostNetwork: true, priorityClassName: "system-node-critical" },
      });
      const [container] = manifest.spec.containers;
      const files = container.command.flatMap((word: string) => word.match(/\/(etc|var)\/.*/)?.[0] ?? []);
      expect(files.length).toBeGreaterThan(0);
      await output(cp, `stat ${files.join(" ")} >/dev/null`);
      const mounts = container.volumeMounts.map((mount: { name: string }) => mount.name);
      expect(manifest.spec.volumes.map((volume: { name: string }) => volume.name)).toEqual(mounts);
    }
  });
});

test("a worker has a kubelet's files and no control plane's", async () => {
  expect(await output(worker, "cd /etc/kubernetes && find . -type f | sort")).toBe(
    "./kubelet.conf\n./pki/ca.crt",
  );
  expect((await worker.exec("systemctl is-active etcd")).code).not.toBe(0);
  await output(
    worker,
    "stat /var/lib/kubelet/config.yaml /etc/cni/net.d/10-lab.conflist /opt/cni/bin >/dev/null",
  );
});

describe("the inventory", () => {
  test("reaches each node with nothing but what it says", async () => {
    const inventory = parse(readFileSync(lab.inventory, "utf8"));
    expect(inventory.name).toBe(lab.name);
    for (const node of lab.nodes) {
      const { host, port, user, key, roles } = inventory.nodes[node.name];
      expect(roles).toEqual([node.role]);
      const options = ["-F", "none", "-i", key, "-p", String(port), "-o", "BatchMode=yes"];
      const careless = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"];
      const { stdout } = await promisify(execFile)("ssh", [
        ...options,
        ...careless,
        "-o",
        "LogLevel=ERROR",
        `${user}@${host}`,
        "hostname",
      ]);
      expect(stdout.trim()).toBe(node.name);
    }
  });

  test("is enrolled, each node with the host key that ssh sees", async () => {
    const lock = JSON.parse(readFileSync(`${lab.inventory}.lock`, "utf8"));
    expect(lock).toMatchObject({ version: 1, lab: lab.name });
    for (const node of lab.nodes) expect(lock.nodes[node.name]).toEqual(node.identity);
  });
});
