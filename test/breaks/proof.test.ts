import { everyBreak, prove } from "./proof.ts";

prove({ provider: "namespace", breaks: everyBreak });
