import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { PreconditionError } from "../../errors.ts";
import { quote } from "../../shell.ts";
import { run } from "../command.ts";
import { writeWhole } from "../file.ts";
import { cgroupRoot, isPopulated, killCgroup, runningSince, start } from "../host/cgroup.ts";
import type { HostNames } from "../host/names.ts";
import { hostNames } from "../host/names.ts";
import { macOf, portOf } from "../host/network.ts";
import { consoleLog, nodeFolder } from "../node-files.ts";
import type { LabNode } from "../nodes.ts";
import type { Lab, Progress, Provider } from "../types.ts";
import { type Accelerator, chooseAccelerator } from "./accelerator.ts";
import { becomeNode, bootWords, networkWords } from "./identity.ts";
import { ensureMachineImage, type MachineImage } from "./image.ts";
import { makeTap } from "./network.ts";
import { qemu } from "./qemu.ts";
import { ensureSavedState, type SavedState } from "./saved-state.ts";
import { attachConsole, runOnSerial, waitForSerial } from "./serial.ts";

/** Milliseconds until a restored machine answers on its serial line. */
const restoreLimit = 60_000;
/** Milliseconds for a command of a person on the serial line. */
const commandLimit = 600_000;

interface Base {
  readonly image: MachineImage;
  readonly accelerator: Accelerator;
  readonly saved: SavedState;
}

async function ensureBase(progress: Progress): Promise<Base> {
  const image = await ensureMachineImage(progress);
  const accelerator = await chooseAccelerator(image, join(cgroupRoot() ?? "", "kb-accelerator"));
  return { image, accelerator, saved: await ensureSavedState(image, accelerator, progress) };
}

const namesOf = (lab: Lab): HostNames => hostNames(lab.name, lab.folder);
const socketOf = (names: HostNames, node: LabNode, line: "console" | "rescue") =>
  join(names.runtime, `${node.name}.${line}`);

async function startNode(lab: Lab, node: LabNode): Promise<void> {
  const names = namesOf(lab);
  const cgroup = names.nodeCgroup(node.name);
  // Written once the disk holds all that the node is: one that was left half-made is made anew.
  const finished = join(nodeFolder(lab, node), "disk.finished");
  const restored = !existsSync(finished);
  if (isPopulated(cgroup) && !restored) return;
  await killCgroup(cgroup);
  const { image, accelerator, saved } = await ensureBase(() => {});
  mkdirSync(names.runtime, { recursive: true, mode: 0o700 });
  const disk = join(nodeFolder(lab, node), "disk.qcow2");
  if (restored) {
    await run(["rm", "-f", "--", disk]);
    await run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", saved.disk, disk]);
  }
  await makeTap(names, node);
  const rescue = socketOf(names, node, "rescue");
  const machine = qemu(image, accelerator, {
    disk,
    tap: portOf(node),
    mac: macOf(node),
    words: [...bootWords, ...networkWords(node)],
    console: { socket: socketOf(names, node, "console"), log: consoleLog(lab, node) },
    rescue,
    more: restored ? ["-incoming", `exec:cat ${quote(saved.memory)}`] : [],
  });
  start(cgroup, ["nsenter", `--net=/run/netns/${names.fabric}`, ...machine], "ignore");
  if (!restored) return;
  await waitForSerial(rescue, restoreLimit);
  await becomeNode(lab, node, rescue);
  writeWhole(finished, "");
}

/** Nodes made of virtual machines: a kernel of their own, and clocks, modules and memory that are nobody else's. */
export const vmProvider: Provider = {
  async prepare(_lab, progress) {
    await ensureBase(progress);
  },

  start: startNode,

  async cut(lab, node) {
    await killCgroup(namesOf(lab).nodeCgroup(node.name));
  },

  runningSince(lab, node) {
    return runningSince(namesOf(lab).nodeCgroup(node.name));
  },

  async rescue(lab, node, command) {
    const names = namesOf(lab);
    if (!isPopulated(names.nodeCgroup(node.name)))
      throw new PreconditionError(`${node.name} of lab ${lab.name} does not run`, { target: node.name });
    if (command === undefined) {
      await attachConsole(socketOf(names, node, "console"));
      return 0;
    }
    const { code, stdout } = await runOnSerial(socketOf(names, node, "rescue"), command, commandLimit);
    process.stdout.write(stdout);
    return code ?? 1;
  },
};
