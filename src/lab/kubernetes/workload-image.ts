import { join } from "node:path";
import { run } from "../command.ts";
import type { TreeEntry } from "../tree.ts";
import { writeTree } from "../tree.ts";
import type { Image } from "./archive.ts";
import { copyWithLibraries } from "./libraries.ts";

/** Debian packages that the workload's images are made of. */
export const workloadPackages = ["busybox-static", "postgresql-17"] as const;

/** User and group id of Debian's `postgres` in a container; PostgreSQL refuses to run as root. */
export const databaseUser = 999;

export const databaseImage = "postgres:17";
export const webImage = (version: "v1" | "v2") => `web:${version}`;
export const shellImage = "busybox:1";

/** The row that the page shows. */
export const quote = "What is broken can be mended.";

const bin = "/usr/lib/postgresql/17/bin";

// Made aside and renamed: a power cut in its middle must not leave half a database.
const runDatabase = `#!/bin/sh
set -eu
if [ ! -e "$PGDATA/PG_VERSION" ]; then
  rm -rf "$PGDATA.new"
  echo "$POSTGRES_PASSWORD" >/tmp/password
  ${bin}/initdb --pgdata="$PGDATA.new" --username=postgres --pwfile=/tmp/password \\
    --auth=scram-sha-256 --encoding=UTF8 --no-locale
  rm /tmp/password
  echo 'host all all all scram-sha-256' >>"$PGDATA.new/pg_hba.conf"
  ${bin}/postgres --single -j -D "$PGDATA.new" postgres </usr/local/share/quotes.sql
  mv "$PGDATA.new" "$PGDATA"
fi
exec ${bin}/postgres -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories=/tmp -c jit=off
`;

// In single user mode with -j an empty line ends a command.
const table = `CREATE TABLE quotes (id integer PRIMARY KEY, quote text NOT NULL);

INSERT INTO quotes VALUES (1, '${quote}');

`;

const page = `#!/bin/sh
query='SELECT quote FROM quotes ORDER BY id LIMIT 1'
if quote=$(PGCONNECT_TIMEOUT=3 ${bin}/psql --no-password --no-align --tuples-only --command "$query" 2>&1); then
  echo 'Status: 200 OK'
else
  echo 'Status: 503 Service Unavailable'
fi
printf 'Content-Type: text/html; charset=utf-8\\r\\n\\r\\n<title>%s</title>\\n<h1>%s</h1>\\n<p>%s</p>\\n' \\
  "$VERSION" "$VERSION" "$quote"
`;

// As process 1 of its container httpd would not hear the signal that asks it to end.
const runWeb = `#!/bin/sh
trap 'exit 0' TERM INT
httpd -f -p 8080 -h /var/www &
wait
`;

const entries: readonly TreeEntry[] = [
  {
    path: "/etc/passwd",
    mode: 0o644,
    content: `root:x:0:0:root:/root:/bin/sh\npostgres:x:${databaseUser}:${databaseUser}::/tmp:/bin/sh\n`,
  },
  { path: "/etc/group", mode: 0o644, content: `root:x:0:\npostgres:x:${databaseUser}:\n` },
  { path: "/tmp", folder: true, mode: 0o1777 },
  { path: "/usr/local/bin/database", mode: 0o755, content: runDatabase },
  { path: "/usr/local/bin/web", mode: 0o755, content: runWeb },
  { path: "/usr/local/share/quotes.sql", mode: 0o644, content: table },
  { path: "/var/www/cgi-bin/index.cgi", mode: 0o755, content: page },
  { path: "/var/www/healthz", mode: 0o644, content: "ok\n" },
];

/** All that goes into the images beside the packages, for the name of what is made of them. */
export const workloadRecipe = [workloadPackages, entries] as const;

/** Puts busybox with all its names into a root. @param tree Unpacked Debian packages. */
export async function addBusybox(tree: string, root: string): Promise<void> {
  const script = [
    'mkdir -p "$2/usr/bin" && cp "$1/usr/bin/busybox" "$2/usr/bin/"',
    'for name in $("$1/usr/bin/busybox" --list); do ln -sf busybox "$2/usr/bin/$name"; done',
    'rm -f "$2/usr/bin/busybox" && cp "$1/usr/bin/busybox" "$2/usr/bin/"',
  ];
  await run(["sh", "-c", script.join("\n"), "sh", tree, root]);
}

/** Makes the root that the database's and the page's images have in common. @param tree Unpacked Debian packages. */
export async function makeWorkloadRoot(tree: string, root: string): Promise<void> {
  const programs = [
    ...["bin/postgres", "bin/initdb", "bin/psql", "lib/plpgsql.so", "lib/dict_snowball.so"],
  ].map((name) => `usr/lib/postgresql/17/${name}`);
  await copyWithLibraries(tree, programs, ["usr/share/postgresql/17"], root);
  await addBusybox(tree, root);
  writeTree(root, entries);
  await run(["ln", "-s", `${bin}/psql`, join(root, "usr/bin/psql")]);
}

const web = (version: "v1" | "v2"): Image => ({
  name: webImage(version),
  entrypoint: ["web"],
  environment: [`VERSION=${version}`],
  user: `${databaseUser}:${databaseUser}`,
});

/** The images of the workload's root: they differ in what runs and in what version it says it is. */
export const workloadImages: readonly Image[] = [
  {
    name: databaseImage,
    entrypoint: ["database"],
    environment: ["PGDATA=/var/lib/postgresql/data"],
    user: `${databaseUser}:${databaseUser}`,
  },
  web("v1"),
  web("v2"),
];
