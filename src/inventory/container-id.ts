import { trusted } from "../shell.ts";

/**
 * Defines `container_id`: prints the id of the container whose first process is the node's, nothing elsewhere.
 *
 * Docker and podman mount files of the container's own folder, which is named by its id, over /etc/hostname, /etc/hosts
 * and /etc/resolv.conf. Its cgroup does not tell, as it is the root of a namespace of its own.
 */
export const containerIdFunction = trusted(String.raw`container_id() {
  sed -n 's|^[0-9]* [0-9]* [0-9:]* [^ ]*containers/\([0-9a-f]\{64\}\)/[^ ]* /etc/[a-z.]* .*|\1|p' /proc/1/mountinfo | head -n 1
}`);
