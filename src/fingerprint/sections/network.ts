import { sh } from "../../shell.ts";
import { entriesOf } from "../entries.ts";
import type { Section } from "../section.ts";

type Fields = Readonly<Record<string, unknown>>;

/** `ip -j` prints one array for each call. An interface without answers is an empty object. */
function arraysOf(output: Buffer): readonly (readonly Fields[])[] {
  return output
    .toString("utf8")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => JSON.parse(line) as readonly Fields[]);
}

/** What counts seconds or numbers things in the order in which they were made. */
const moving: ReadonlySet<string> = new Set([
  ...[
    "ifindex",
    "link_index",
    "valid_life_time",
    "preferred_life_time",
    "expires",
    "cache",
    "used",
    "refcnt",
  ],
  ...["tentative", "confirmed", "updated", "probes", "users", "age", "deleted"],
]);

function plain(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** All fields but those in the key, as `name=value` in the order of their names. */
function rest(fields: Fields, inKey: readonly string[]): string {
  return Object.keys(fields)
    .filter((name) => !moving.has(name) && !inKey.includes(name))
    .sort()
    .map((name) => `${name}=${plain(fields[name])}`)
    .join(" ");
}

const text = (value: unknown, otherwise: string) => (value === undefined ? otherwise : plain(value));

/** Interfaces: flags such as UP, MTU, queueing, hardware address, master. */
export const links: Section = {
  name: "links",
  programs: ["ip"],
  script: sh`ip -j link show`,
  read: (output) =>
    entriesOf(
      arraysOf(output)
        .flat()
        .filter((link) => link.ifname !== undefined)
        .map((link) => [plain(link.ifname), rest(link, ["ifname"])] as const),
    ),
};

function addressesOf(link: Fields): readonly (readonly [string, string])[] {
  const list = (link.addr_info ?? []) as readonly Fields[];
  return list
    .filter((address) => address.local !== undefined)
    .map((address) => [
      `${plain(link.ifname)} ${plain(address.local)}/${plain(address.prefixlen)}`,
      rest(address, ["local", "prefixlen"]),
    ]);
}

/** Addresses by interface. */
export const addresses: Section = {
  name: "addresses",
  programs: ["ip"],
  script: sh`ip -j address show`,
  read: (output) => entriesOf(arraysOf(output).flat().flatMap(addressesOf)),
};

/** Routes of all tables and both protocols. */
export const routes: Section = {
  name: "routes",
  programs: ["ip"],
  script: sh`ip -4 -j route show table all && ip -6 -j route show table all`,
  read: (output) =>
    entriesOf(
      arraysOf(output).flatMap((list, index) =>
        list.map((route) => [
          `${index === 0 ? "v4" : "v6"} ${text(route.type, "unicast")} ${text(route.dst, "?")} table ${text(route.table, "main")}`,
          rest(route, ["type", "dst", "table"]),
        ]),
      ),
    ),
};

/** Policy routing rules by protocol and priority. */
export const rules: Section = {
  name: "rules",
  programs: ["ip"],
  script: sh`ip -4 -j rule show && ip -6 -j rule show`,
  read: (output) =>
    entriesOf(
      arraysOf(output).flatMap((list, index) =>
        list.map((rule) => [
          `${index === 0 ? "v4" : "v6"} priority ${text(rule.priority, "0")}`,
          rest(rule, ["priority"]),
        ]),
      ),
    ),
};

/** Neighbours that somebody set by hand; the others come and go with traffic. */
export const neighbours: Section = {
  name: "neighbours",
  programs: ["ip"],
  script: sh`ip -j neighbour show nud permanent`,
  read: (output) =>
    entriesOf(
      arraysOf(output)
        .flat()
        .filter((neighbour) => neighbour.dst !== undefined)
        .map((neighbour) => [
          `${text(neighbour.dev, "?")} ${plain(neighbour.dst)}`,
          rest(neighbour, ["dev", "dst"]),
        ]),
    ),
};
