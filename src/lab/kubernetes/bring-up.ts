import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { KbreakError, messageOf } from "../../errors.ts";
import { writeWhole } from "../file.ts";
import type { Lab, Progress } from "../types.ts";
import { pageOf, writeKubeconfig } from "./access.ts";
import { waitForCluster } from "./ready.ts";

/** Milliseconds for a cluster that was saved and for its page. */
const firstLimit = 180_000;
/** Milliseconds for a cluster that somebody may have broken since, and for its page. */
const againLimit = 60_000;
const againPageLimit = 20_000;

/** Waits until the workload's page is there. @throws KbreakError after `limit` milliseconds. */
async function waitForPage(page: string, limit: number, progress: Progress): Promise<void> {
  const begin = Date.now();
  const seconds = () => ((Date.now() - begin) / 1000).toFixed(1);
  let last = "";
  while (Date.now() - begin < limit) {
    try {
      const answer = await fetch(page, { signal: AbortSignal.timeout(2_000) });
      const text = (await answer.text()).trim();
      if (answer.ok) {
        progress(`page: served after ${seconds()} s`);
        return;
      }
      last = `status ${answer.status}: ${text}`;
    } catch (error) {
      // fetch itself only says that it failed.
      last = messageOf(error instanceof Error ? (error.cause ?? error) : error);
    }
    await sleep(200);
  }
  throw new KbreakError(`${page} does not show the workload's page after ${seconds()} s: ${last}`);
}

/**
 * Waits until the cluster of a lab whose nodes run is Ready. One that was Ready before may be broken on purpose: then
 * this is only said.
 * @throws KbreakError when a new one is not Ready in three minutes.
 */
export async function bringUpCluster(lab: Lab, progress: Progress): Promise<void> {
  writeKubeconfig(lab);
  const wasReady = join(lab.folder, "cluster.ready");
  if (!existsSync(wasReady)) {
    const hint = `kbreak lab ssh --name ${lab.name} cp1 -- journalctl -u kubelet -n 20`;
    await waitForCluster(lab, firstLimit, progress, hint);
    await waitForPage(pageOf(lab), firstLimit, progress);
    writeWhole(wasReady, "");
    return;
  }
  try {
    await waitForCluster(lab, againLimit, progress);
    await waitForPage(pageOf(lab), againPageLimit, progress);
  } catch (error) {
    progress(messageOf(error));
  }
}
