import { kernelBreaks, prove } from "./proof.ts";

prove({ provider: "vm", breaks: kernelBreaks });
