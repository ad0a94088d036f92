import type { Section } from "./section.ts";
import { attributes } from "./sections/attributes.ts";
import { contents } from "./sections/contents.ts";
import { etcd } from "./sections/etcd.ts";
import { files } from "./sections/files.ts";
import { jobs } from "./sections/jobs.ts";
import { cgroups, host, modules, swaps, sysctls } from "./sections/kernel.ts";
import { mounts } from "./sections/mounts.ts";
import { iptables, nftables } from "./sections/netfilter.ts";
import { addresses, links, neighbours, routes, rules } from "./sections/network.ts";
import { processes } from "./sections/processes.ts";
import { sockets } from "./sections/sockets.ts";
import { environment, unitFiles, units } from "./sections/systemd.ts";
import { traffic } from "./sections/traffic.ts";

/** All that a fingerprint watches, in lanes that are looked at side by side: they wait for different things. */
export const lanes: readonly (readonly Section[])[] = [
  [files, attributes, mounts, jobs, sysctls, modules, swaps, cgroups, host],
  [contents, unitFiles, units, environment],
  [processes, etcd],
  [sockets, links, addresses, routes, rules, neighbours, traffic, ...iptables, nftables],
];
