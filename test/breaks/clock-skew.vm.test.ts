import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Bench, on, useBench } from "../support/bench.ts";
import type { TestNode } from "../support/lab.ts";

let bench: Bench;
let node: TestNode;

beforeAll(async () => {
  bench = await useBench({ provider: "vm", nodes: "1" });
  node = bench.lab.node("cp1");
});

afterEach(() => bench.undoAll());

afterAll(() => bench?.end());

const say = async (script: string) => (await on(node, script)).trim();

/** Seconds between the node's time of day and its time since boot, asked of the kernel itself (clock_gettime). */
const offset = async () =>
  Number(
    await say(`perl -e 'sub now { my $t = pack "q2", 0, 0; syscall(228, $_[0], $t) == 0 or die; my ($s, $n) = unpack "q2", $t; $s + $n / 1e9 }
      my ($early, $time, $late) = (now(7), now(0), now(7)); printf "%.6f", $time - ($early + $late) / 2'`),
  );

/** Seconds that the node's clocks are ahead of this machine's, give or take the way there. */
const ahead = async () => Number(await say("date +%s")) - Date.now() / 1000;
const rtcAhead = async () => Number(await say("cat /sys/class/rtc/rtc0/since_epoch")) - Date.now() / 1000;
const SLACK = 5;

const apply = async (...params: readonly string[]) =>
  bench.apply(await bench.single("kernel/clock-skew", ...params));

const undone = async (run: string) => {
  expect(await bench.undo(run)).toMatchObject({ complete: true, kept: 0 });
};

/** What the API server's etcd answers to kubeadm's own health check. */
const health = () =>
  node.exec(`ETCDCTL_API=3 etcdctl --endpoints=https://127.0.0.1:2379 --cacert=/etc/kubernetes/pki/etcd/ca.crt \
    --cert=/etc/kubernetes/pki/etcd/healthcheck-client.crt --key=/etc/kubernetes/pki/etcd/healthcheck-client.key \
    --dial-timeout=5s endpoint health 2>&1`);

/** An etcd that hands out signed tokens, as the API server does, with the key that kubeadm made for those. */
const tokens = {
  start: `systemd-run -q --unit=tokens etcd --data-dir=/run/tokens --listen-client-urls=http://127.0.0.1:12379 \
      --advertise-client-urls=http://127.0.0.1:12379 --listen-peer-urls=http://127.0.0.1:12380 \
      --auth-token=jwt,pub-key=/etc/kubernetes/pki/sa.pub,priv-key=/etc/kubernetes/pki/sa.key,sign-method=ES256,ttl=10m
    export ETCDCTL_API=3 ETCDCTL_ENDPOINTS=http://127.0.0.1:12379
    until etcdctl put key value >/dev/null 2>&1; do sleep 0.2; done
    etcdctl user add root:secret && etcdctl role add root && etcdctl user grant-role root root && etcdctl auth enable`,
  stop: "systemctl stop tokens; rm -rf /run/tokens",
  take: `curl -s http://127.0.0.1:12379/v3/auth/authenticate -d '{"name":"root","password":"secret"}' |
    sed 's/.*"token":"\\([^"]*\\)".*/\\1/'`,
  use: (token: string) =>
    `curl -s http://127.0.0.1:12379/v3/kv/range -H 'Authorization: ${token}' -d '{"key":"a2V5"}'`,
};

describe("a clock that is moved forward", () => {
  beforeAll(async () => {
    await on(node, tokens.start);
    // A time service that runs, and a clock that is wrong all the same: nobody could reach its servers.
    await on(
      node,
      `printf '[Service]\\nExecStart=/bin/sleep infinity\\n' >/run/systemd/system/ntpsec.service
      systemctl daemon-reload && systemctl start ntpsec && date --set='-90 seconds'`,
    );
  });

  afterAll(() =>
    on(
      node,
      `date --set='+90 seconds'; systemctl stop ntpsec; rm -rf /run/systemd/system/ntpsec.service /var/lib/systemd/timesync
      systemctl daemon-reload; ${tokens.stop}`,
    ),
  );

  it("makes certificates and tokens expire; undo brings both back, and a clock that was wrong is as wrong as before", async () => {
    const before = await offset();
    expect(await ahead()).toBeLessThan(-90 + SLACK);
    const token = await say(tokens.take);
    expect(await say(tokens.use(token))).toContain('"kvs"');
    expect((await health()).stdout).toContain("is healthy");

    const run = await apply("days=400");
    expect((await offset()) - before).toBeCloseTo(400 * 86_400, 1);
    expect(await say("systemctl is-active ntpsec || :")).toBe("inactive");
    expect(await say(tokens.use(token))).toContain("invalid auth token");
    expect((await health()).stdout).toMatch(
      /x509: certificate has expired or is not yet valid: current time \S+ is after/,
    );
    // What systemd-timesyncd would leave, had somebody started it now: at its next start the clock would jump forward.
    await on(node, "mkdir -p /var/lib/systemd/timesync && touch /var/lib/systemd/timesync/clock");

    await undone(run);
    expect(Math.abs((await offset()) - before)).toBeLessThan(0.05);
    expect(await say("systemctl is-active ntpsec")).toBe("active");
    expect(await say("find /var/lib/systemd/timesync/clock -newermt '+1 hour'")).toBe("");
    expect(await say(tokens.use(token))).toContain('"kvs"');
    expect((await health()).stdout).toContain("is healthy");
  });

  it("is right again when somebody has written the wrong time to the real-time clock", async () => {
    const before = await offset();
    const run = await apply("days=400");
    await on(
      node,
      "busctl call org.freedesktop.timedate1 /org/freedesktop/timedate1 org.freedesktop.timedate1 SetTime xbb 1 true false",
    );
    expect(await rtcAhead()).toBeGreaterThan(399 * 86_400);
    await undone(run);
    expect(Math.abs((await offset()) - before)).toBeLessThan(0.05);
    expect(Math.abs(await rtcAhead())).toBeLessThan(SLACK);
  });
});

describe("a clock that is moved back", () => {
  it("is right again after a power cut in the middle, also where it was wrong before", async () => {
    const was = await ahead();
    expect(Math.abs(was)).toBeLessThan(SLACK);
    await on(node, "date --set='-90 seconds'");
    const wrong = await apply();
    await node.powerCut();
    await node.start();
    await undone(wrong);
    expect(Math.abs((await ahead()) + 90)).toBeLessThan(SLACK);
    await on(node, "date --set='+90 seconds'");
    expect(Math.abs(await rtcAhead())).toBeLessThan(SLACK);
  });
});
