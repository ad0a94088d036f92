/** A goal's URL with the address of each node that it names as `{w1}`. IPv6 addresses get their brackets. */
export function withAddresses(url: string, addressOf: (node: string) => string): string {
  return url.replaceAll(named, (_, node: string) => bracketed(addressOf(node)));
}

/** The nodes that a goal's URL names, each once. */
export function nodesNamed(url: string): readonly string[] {
  return [...new Set([...url.matchAll(named)].map(([, node = ""]) => node))];
}

const named = /\{([A-Za-z0-9][A-Za-z0-9._-]*)\}/g;

const bracketed = (address: string) => (address.includes(":") ? `[${address}]` : address);
