import { namespaceNodes } from "./grounds.ts";
import { everyBreak, prove } from "./proof.ts";

prove({ ground: namespaceNodes, breaks: everyBreak });
