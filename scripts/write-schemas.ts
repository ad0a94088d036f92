import { writeSchemas } from "./schemas.ts";

for (const path of await writeSchemas(process.cwd())) process.stderr.write(`wrote ${path}\n`);
