import { attempt } from "../command.ts";
import { installCommand, onPath, type Requirement } from "../requirements.ts";

/** As kind's own documentation installs it: one file, without a package. */
const installKind = `curl -Lo /usr/local/bin/kind https://kind.sigs.k8s.io/dl/latest/kind-linux-${process.arch === "arm64" ? "arm64" : "amd64"} && chmod +x /usr/local/bin/kind`;

async function engine(): Promise<Requirement> {
  const name = "Docker engine";
  if (!onPath("docker"))
    return { name, met: false, detail: "there is no `docker` to ask it with", fix: "systemctl start docker" };
  const { code, stdout, stderr } = await attempt(["docker", "version", "--format", "{{.Server.Version}}"]);
  if (code === 0) return { name, met: true, detail: stdout.trim() };
  const said = stderr.trim().split("\n").at(-1);
  return { name, met: false, detail: `does not answer: ${said}`, fix: "systemctl start docker" };
}

/** All that a lab of kind's nodes needs of this host, met or not. */
export async function kindRequirements(): Promise<readonly Requirement[]> {
  const [docker, kind] = [onPath("docker"), onPath("kind")];
  return [
    {
      name: "docker",
      met: docker,
      detail: docker ? "found" : "the program is not installed",
      ...(docker ? {} : { fix: installCommand(["docker.io"]) }),
    },
    await engine(),
    {
      name: "kind",
      met: kind,
      detail: kind ? "found" : "the program is not installed",
      ...(kind ? {} : { fix: installKind }),
    },
  ];
}
