import { linkFile, unit, writeFile } from "../operations/constructors.ts";
import type { AnyOperation } from "../operations/index.ts";

/**
 * A systemd service of the break's own that runs now and after each boot, and is started again when it ends: its unit
 * file, the link that enables it, and its start.
 * @param name Without `.service`.
 * @param more Further lines of its section `[Service]`.
 */
export function ownService(
  name: string,
  description: string,
  command: string,
  more: readonly string[] = [],
): readonly AnyOperation[] {
  const service = `${name}.service`;
  const file = `/etc/systemd/system/${service}`;
  const text = [
    "[Unit]",
    `Description=${description}`,
    "",
    "[Service]",
    `ExecStart=${command}`,
    ...more,
    "Restart=always",
    "RestartSec=1",
    "",
    "[Install]",
    "WantedBy=multi-user.target",
    "",
  ].join("\n");
  return [
    writeFile(file, text, { reload: service }),
    linkFile(`/etc/systemd/system/multi-user.target.wants/${service}`, file, { reload: service }),
    unit(service, { active: true }),
  ];
}
