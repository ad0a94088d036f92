#!/usr/bin/env node
import { run } from "./program.ts";

// A reader that goes away, such as `head`, must not end an apply or an undo in its middle.
for (const stream of [process.stdout, process.stderr])
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });

// A promise that nobody waits for any more lets Node end with 0: the code stands for failure until the command has ended.
process.exitCode = 1;
process.exitCode = await run(process.argv.slice(2));
