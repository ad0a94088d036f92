import { machines } from "./grounds.ts";
import { kernelBreaks, prove } from "./proof.ts";

prove({ ground: machines, breaks: kernelBreaks.filter((id) => id.startsWith("etcd/")) });
