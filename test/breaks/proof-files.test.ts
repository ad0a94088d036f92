import { namespaceNodes } from "./grounds.ts";
import { breaksOfFiles, prove } from "./proof.ts";

prove({ ground: namespaceNodes, breaks: breaksOfFiles });
