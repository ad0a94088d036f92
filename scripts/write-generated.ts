import { writeGenerated } from "./generated.ts";

for (const path of await writeGenerated(process.cwd())) process.stderr.write(`wrote ${path}\n`);
