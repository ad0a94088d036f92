import { machines } from "./grounds.ts";
import { kernelBreaks, prove } from "./proof.ts";

// The breaks of the network are in a file of their own: two machines prove them side by side.
prove({ ground: machines, breaks: kernelBreaks.filter((id) => !id.startsWith("network/")) });
