import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, posix } from "node:path";
import { expect } from "vitest";
import type { Fingerprint } from "../../src/fingerprint/types.ts";
import { quote } from "../../src/shell.ts";
import { changesSince, look, on } from "../support/bench.ts";
import { type TestLab, type TestNode, useLab } from "../support/lab.ts";
import { type Ended, type Product, startNode, useProduct } from "../support/product.ts";

export interface Desk {
  readonly lab: TestLab;
  readonly product: Product;
  /** The data folder of this test file, apart from the labs'. */
  readonly data: string;
  /** A folder for the test's files. */
  readonly folder: string;
  /** Runs `kbreak WORDS…` without a terminal, on the practice nodes unless `-i` says otherwise. */
  kbreak(...words: readonly string[]): Promise<Ended>;
  /** The same with more variables in its environment. */
  withEnv(env: NodeJS.ProcessEnv, ...words: readonly string[]): Promise<Ended>;
  /** The environment of both. */
  readonly env: NodeJS.ProcessEnv;
  /** Writes a file of the test's and gives its path. */
  write(name: string, text: string | Buffer): string;
  /** An inventory of nodes, enrolled as they are given unless `enrolled` says otherwise. */
  inventory(nodes: Readonly<Record<string, InventoryWish>>, more?: Readonly<Record<string, unknown>>): string;
  /** Every node looks as it did at the beginning. */
  expectUntouched(): Promise<void>;
  /** Ids of the open runs, the newest first. */
  openRuns(): Promise<readonly string[]>;
  end(): Promise<void>;
}

/** What is different from the practice node `as`, by default that of the same name. */
export interface InventoryWish {
  readonly as?: string;
  readonly fields?: Readonly<Record<string, unknown>>;
  /** False: not in the lock file. */
  readonly enrolled?: boolean;
  readonly identity?: Readonly<Record<string, string>>;
}

/** The command line as a person or a script meets it. Call it in `beforeAll` and `end()` in `afterAll`. */
export async function useDesk(): Promise<Desk> {
  const [product, lab] = [await useProduct(), await useLab()];
  const folder = mkdtempSync(join(tmpdir(), "kbreak-desk-"));
  const data = join(folder, "data");
  const before = new Map<string, Fingerprint>();
  for (const node of lab.nodes) before.set(node.name, await look(node));
  // What a shell of the tester's has set must not decide how the output looks.
  const { CI, NO_COLOR, FORCE_COLOR, KBREAK_DEBUG, ...plain } = process.env;
  const env = { ...plain, KBREAK_DATA_DIR: data, KBREAK_INVENTORY: lab.inventory };
  const withEnv: Desk["withEnv"] = (more, ...words) =>
    startNode([join(product.folder, "src/cli/main.js"), ...words], { ...env, ...more }).ended;
  const kbreak: Desk["kbreak"] = (...words) => withEnv({}, ...words);
  const write: Desk["write"] = (name, text) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  let inventories = 0;
  return {
    lab,
    product,
    data,
    folder,
    kbreak,
    withEnv,
    env,
    write,
    inventory(nodes, more = {}) {
      inventories += 1;
      const wishes = Object.entries(nodes);
      const model = ([name, wish]: readonly [string, InventoryWish]) => lab.node(wish.as ?? name);
      const described = wishes.map((entry) => {
        const { access, role } = model(entry);
        const { name: _name, ...reached } = access;
        return [entry[0], { ...reached, roles: [role], ...entry[1].fields }];
      });
      const enrolled = wishes
        .filter(([, wish]) => wish.enrolled !== false)
        .map((entry) => [entry[0], { ...model(entry).identity, ...entry[1].identity }]);
      const file = `inventory-${inventories}.yaml`;
      write(`${file}.lock`, JSON.stringify({ version: 1, lab: "desk", nodes: Object.fromEntries(enrolled) }));
      return write(file, JSON.stringify({ name: "desk", nodes: Object.fromEntries(described), ...more }));
    },
    async expectUntouched() {
      for (const node of lab.nodes) {
        const was = before.get(node.name);
        if (was !== undefined) expect(await changesSince(node, was), node.name).toEqual([]);
      }
    },
    async openRuns() {
      const { stdout } = await kbreak("runs", "list", "-o", "json");
      const runs = JSON.parse(stdout) as readonly { readonly run: string; readonly status: string }[];
      return runs.filter(({ status }) => !["undone", "forgotten"].includes(status)).map(({ run }) => run);
    },
    async end() {
      await kbreak("undo", "--all", "--exact");
      product.remove();
      rmSync(folder, { recursive: true, force: true });
      await lab.down();
    },
  };
}

/** Makes a folder on a node's disk for a test; what it gives removes it without a trace. */
export async function makeFolder(node: TestNode, path: string): Promise<() => Promise<void>> {
  const parent = posix.dirname(path);
  const time = (await on(node, `stat -c %y ${quote(parent)}`)).trim();
  await on(node, `mkdir ${quote(path)}`);
  return async () => {
    await on(
      node,
      `chattr -R -i ${quote(path)}; rm -rf ${quote(path)}; touch -d ${quote(time)} ${quote(parent)}`,
    );
  };
}

/** Text without escape codes. */
export function plainText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape codes begin with one
  return text.replaceAll(/\u001b\[[0-9;?]*[A-Za-z]/g, "");
}
