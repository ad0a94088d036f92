import { machines } from "./grounds.ts";
import { kernelBreaks, prove } from "./proof.ts";

// The breaks of the network are in a file of their own: two machines prove them side by side. Those of etcd are left to
// test:vm-more.
prove({ ground: machines, breaks: kernelBreaks.filter((id) => !/^(network|etcd)\//.test(id)) });
