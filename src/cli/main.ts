#!/usr/bin/env node
import { run } from "./program.ts";

// A promise that nobody waits for any more lets Node end with 0: the code stands for failure until the command has ended.
process.exitCode = 1;
process.exitCode = await run(process.argv.slice(2));
