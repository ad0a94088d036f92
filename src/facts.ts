import type { EtcdClient } from "./operations/etcd-client.ts";

/** What is read of a node once per run, before anything is planned. */
export interface Facts {
  readonly machineId: string;
  /** Changes with every start of the node. */
  readonly bootId: string;
  /** SHA-256 of the certificates of its cluster's authorities; none where there is no cluster. */
  readonly authorities: readonly string[];
  /** The uid of its cluster's namespace kube-system, where the node's own API server could be asked. */
  readonly clusterUid?: string;
  readonly hostname: string;
  /** From /etc/os-release: `ID`, `VERSION_ID`, `PRETTY_NAME`. */
  readonly distribution: { readonly id: string; readonly version: string; readonly name: string };
  /** `uname -r`. */
  readonly kernel: string;
  /** False in containers (kind, namespace nodes): what reaches the whole kernel reaches others, too. */
  readonly ownKernel: boolean;
  /** From the inventory, or else from what is installed. */
  readonly roles: readonly ("control-plane" | "worker")[];
  /** The programs that were asked for and are there, by name, with their paths; links are followed. */
  readonly programs: Readonly<Record<string, string>>;
  /** Services and timers that are active, or on their way there: full names. */
  readonly activeUnits: readonly string[];
  /** Where etcd is, on the nodes that run one. */
  readonly etcd?: EtcdFacts;
  /** The device of the default route, and the gateway's address. */
  readonly device?: string;
  readonly gateway?: string;
  /** The port on which the node's sshd took this connection. */
  readonly sshPort?: number;
  /** Ports that must not be touched: the control channel's and the inventory's `keep`. */
  readonly spare: readonly number[];
  /** The contents of the files that breaks asked for; a file that is not there is missing here. */
  readonly files: Readonly<Record<string, string>>;
  /** Whether the API answered the node's administrator; false when no break asked for it. */
  readonly apiAnswers: boolean;
  /** What the API server said to the paths that breaks asked for, as JSON; what it refused is missing here. */
  readonly objects: Readonly<Record<string, unknown>>;
}

export interface EtcdFacts {
  /** `systemd`: a unit with an environment file. `static-pod`: a manifest of the kubelet's. */
  readonly runs: "systemd" | "static-pod";
  readonly client: EtcdClient;
  /** Where its settings are: the environment file, or the manifest. */
  readonly settings: string;
  readonly unit?: string;
  /** Size of the database in bytes; 0 when it cannot be told. */
  readonly bytes: number;
}
