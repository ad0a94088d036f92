import { join } from "node:path";
import { KbreakError, messageOf } from "../../src/errors.ts";
import { timed } from "../command.ts";
import { kbreak } from "../contenders.ts";
import { startEndpoints } from "../endpoints.ts";
import { timedWithMemory } from "../peak.ts";
import type { Results, WideSize } from "../results.ts";
import type { Stage } from "../stage.ts";
import { measured } from "../statistics.ts";

/** How many are worked on at a time, of the largest number; 50 is what kbreak does unless it is told otherwise. */
const forkSteps = [10, 50, 100, 200];
const usualForks = 50;

/** What kbreak has complained about, among what else it printed. */
function complaint(output: string): string {
  const lines = output.split("\n").slice(1);
  return lines.find((line) => /^(✗|error:) /.test(line)) ?? lines.at(-1) ?? "";
}

/** Many endpoints at once: how time and memory grow with their number, and with how many are worked on at a time. */
export async function measureWide(
  stage: Stage,
  sizes: readonly number[],
  rounds: number,
): Promise<NonNullable<Results["wide"]>> {
  const most = Math.max(...sizes);
  stage.tell(`${most} endpoints`);
  const inventory = await startEndpoints(stage, most);
  const dataFolder = join(stage.folder, "wide");
  const once = async (endpoints: number, forks: number) => {
    const common = [...kbreak, "--data-dir", dataFolder];
    const names = Array.from({ length: endpoints }, (_, index) => `e${index + 1}`).join(",");
    const playbook = join(process.cwd(), "bench/work/wide.yaml");
    const many = ["-i", inventory, "--forks", String(forks)];
    const apply = [...common, "apply", playbook, "--yes", "--limit", names, ...many];
    const undo = [...common, "undo", ...many];
    const [first, second] = [await timedWithMemory(apply, stage), await timedWithMemory(undo, stage)];
    const seconds = first.seconds + second.seconds;
    const memory = Math.max(first.memory, second.memory);
    stage.tell(
      `  ${endpoints} endpoints, ${forks} at a time: ${seconds.toFixed(2)} s, ${memory.toFixed(0)} MiB`,
    );
    return { seconds, memory };
  };
  const wanted = [
    ...sizes.map((endpoints) => ({ endpoints, forks: usualForks })),
    ...forkSteps
      .filter((forks) => forks !== usualForks && forks <= most)
      .map((forks) => ({ endpoints: most, forks })),
  ];
  const samples = wanted.map((size) => ({ ...size, seconds: [] as number[], memory: [] as number[] }));
  const stopped: string[] = [];
  const carried = new Set(samples);
  for (let round = 1; round <= rounds; round++)
    for (const sample of round % 2 === 0 ? samples.toReversed() : samples) {
      if (!carried.has(sample)) continue;
      const { endpoints, forks } = sample;
      try {
        const { seconds, memory } = await once(endpoints, forks);
        sample.seconds.push(seconds);
        sample.memory.push(memory);
      } catch (error) {
        stage.signal.throwIfAborted();
        carried.delete(sample);
        stopped.push(`${endpoints} endpoints, ${forks} at a time: ${complaint(messageOf(error))}`);
        stage.tell(`  ${stopped.at(-1)}`);
        await timed([...kbreak, "--data-dir", dataFolder, "undo", "--all", "-i", inventory], stage).catch(
          () => {},
        );
        stage.signal.throwIfAborted();
      }
    }
  if (carried.size === 0) throw new KbreakError(stopped.join("\n"));
  const all: readonly WideSize[] = [...carried].map((sample) => ({
    ...sample,
    seconds: measured(sample.seconds),
    memory: measured(sample.memory),
  }));
  return {
    ...(stopped.length === 0 ? {} : { stopped }),
    sizes: all.filter(({ forks }) => forks === usualForks),
    forks: all
      .filter(({ endpoints }) => endpoints === most)
      .toSorted((one, other) => one.forks - other.forks),
  };
}
