/**
 * The name of systemd's unit for a path, as `systemd-escape --path` makes it: `/var/lib/swap-1` and `swap` give
 * `var-lib-swap\x2d1.swap`.
 */
export function unitOfPath(path: string, type: string): string {
  const escaped = path
    .split("/")
    .filter((part) => part !== "")
    .map((part) => [...Buffer.from(part)].map(escapedByte).join(""))
    .join("-");
  // A leading dot would hide the unit.
  const visible = escaped.startsWith(".") ? `\\x2e${escaped.slice(1)}` : escaped;
  return `${visible === "" ? "-" : visible}.${type}`;
}

function escapedByte(byte: number): string {
  const char = String.fromCharCode(byte);
  return /[A-Za-z0-9:_.]/.test(char) ? char : `\\x${byte.toString(16).padStart(2, "0")}`;
}
