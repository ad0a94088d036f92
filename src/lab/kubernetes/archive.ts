import { createHash } from "node:crypto";
import { createReadStream, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../command.ts";

/** A container image, as far as it is not files. */
export interface Image {
  /** With tag, such as `registry.k8s.io/pause:3.10.2`. */
  readonly name: string;
  /** What runs in it when nobody says. */
  readonly entrypoint: readonly string[];
  /** `NAME=value`; PATH is there anyway. */
  readonly environment?: readonly string[];
  /** User and group ids as `999:999`; default: root. */
  readonly user?: string;
}

/** The configuration of an image of one layer, whose uncompressed digest is `layer`. */
export function imageConfig(image: Image, layer: string): string {
  return JSON.stringify({
    architecture: "amd64",
    os: "linux",
    created: "1970-01-01T00:00:00Z",
    config: {
      Entrypoint: image.entrypoint,
      Env: ["PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", ...(image.environment ?? [])],
      WorkingDir: "/",
      ...(image.user === undefined ? {} : { User: image.user }),
    },
    rootfs: { type: "layers", diff_ids: [layer] },
    history: [{ created: "1970-01-01T00:00:00Z", created_by: image.name }],
  });
}

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

async function sha256OfFile(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

/**
 * Writes an archive, as `docker save` does, of images that are all the files of one folder. Nothing in it depends on
 * when or by whom it is made.
 * @param work A folder for the archive's parts, to be removed afterwards.
 */
export async function writeArchive(
  file: string,
  root: string,
  images: readonly Image[],
  work: string,
): Promise<void> {
  mkdirSync(work, { recursive: true });
  const pack = ["tar", "--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"];
  await run([...pack, "-cf", join(work, "layer.tar"), "-C", root, "."]);
  const layer = `sha256:${await sha256OfFile(join(work, "layer.tar"))}`;
  const manifest = images.map((image) => {
    const config = imageConfig(image, layer);
    const name = `${sha256(config)}.json`;
    writeFileSync(join(work, name), config);
    return { Config: name, RepoTags: [image.name], Layers: ["layer.tar"] };
  });
  writeFileSync(join(work, "manifest.json"), JSON.stringify(manifest));
  const configs = manifest.map(({ Config }) => Config);
  await run([...pack, "-cf", file, "-C", work, "manifest.json", ...configs, "layer.tar"]);
}
