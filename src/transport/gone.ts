import { setMaxListeners } from "node:events";

/** Tells everything that runs over a connection, with a person's words as the reason, that the connection is gone. */
export function newGone(): AbortController {
  const gone = new AbortController();
  // One listener for each script that runs: Node warns from eleven on.
  setMaxListeners(0, gone.signal);
  return gone;
}
