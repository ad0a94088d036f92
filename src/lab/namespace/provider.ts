import { ensureImage, imageFolder } from "../image/image.ts";
import { nodeFiles } from "../node-files.ts";
import type { Provider } from "../types.ts";
import { diskEntries, makeDisk } from "./disk.ts";
import { plainParts } from "./init-script.ts";
import { namespaceNodes } from "./node.ts";

const diskSize = "1G";

/** Namespace nodes with the layout of kubeadm nodes, without a Kubernetes. */
export const namespaceProvider: Provider = namespaceNodes({
  async prepare(_lab, progress) {
    await ensureImage(progress);
  },
  layers: () => [imageFolder()],
  makeDisk: async (lab, node, file) => makeDisk(file, diskSize, diskEntries(await nodeFiles(lab, node))),
  groups: () => [],
  init: () => plainParts,
});
