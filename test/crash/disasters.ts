import type { TestNode } from "../support/lab.ts";
import type { Way } from "../support/way.ts";

/** What can befall kbreak, its way to the node, and the node. */
export interface Disaster {
  /** True: kbreak is killed. Else it goes on when everything else has happened, and has to find out by itself. */
  readonly kills: boolean;
  /** Happens while kbreak stands at the boundary, or when it has been killed there. */
  readonly strike?: (node: TestNode, way: Way) => Promise<void>;
  /** What is mended while kbreak looks for what has happened: undo is tried when that and kbreak have ended. */
  readonly repair?: (node: TestNode, way: Way) => Promise<void>;
  /** What is mended only after kbreak has ended. */
  readonly afterwards?: (node: TestNode, way: Way) => Promise<void>;
}

export const disasters = {
  killed: { kills: true },
  /** A new connection can be had at once. */
  cut: { kills: false, strike: async (_, way) => way.cut() },
  /** None can be had until kbreak has given up. */
  unreachable: {
    kills: false,
    async strike(_, way) {
      way.open = false;
      way.cut();
    },
    async afterwards(_, way) {
      way.open = true;
    },
  },
  /** The processes of sshd that serve a login; the one that listens has the path of its program in its title. */
  session: {
    kills: false,
    strike: async (node) => void (await node.exec("pkill -KILL -f '^sshd(-session)?: [^/]'")),
  },
  /** In a cluster; the kubelet starts another one. */
  apiserver: {
    kills: false,
    strike: async (node) => void (await node.exec("pkill -KILL -x kube-apiserver")),
  },
  power: {
    kills: false,
    strike: (node) => node.powerCut(),
    repair: (node) => node.start(),
  },
  /** All at once: nobody is left who knows anything. */
  blackout: {
    kills: true,
    strike: (node) => node.powerCut(),
    afterwards: (node) => node.start(),
  },
} as const satisfies Readonly<Record<string, Disaster>>;

export type DisasterName = keyof typeof disasters;

/** What the matrix tries at every boundary. */
export const everyDisaster: readonly DisasterName[] = ["killed", "cut", "unreachable", "session", "power"];
