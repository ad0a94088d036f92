/**
 * How a script reaches a node. A transport hands a script to the standard input of a root shell and reports what came
 * of it. It knows nothing of breaks, and it never decides what an outcome means.
 */

/** What became of a script. Only an integer exit code is an outcome; everything else has to be read again. */
export type Outcome =
  | { readonly kind: "exited"; readonly code: number; readonly stdout: string; readonly stderr: string }
  | {
      readonly kind: "unknown";
      /** `deadline`: took too long. `lost`: the connection ended without a code. `signal`: the shell was killed. */
      readonly reason: "deadline" | "lost" | "signal";
      readonly detail: string;
      /** True: the shell did not start, so that nothing of the script was run. */
      readonly shellless?: true;
      readonly stdout: string;
      readonly stderr: string;
    };

export interface RunOptions {
  /** How long the script may take, in milliseconds. */
  readonly deadline: number;
}

/** An open way to one node. */
export interface Connection {
  readonly node: string;
  /** The node's ssh host key as `SHA256:<base64>`, where the transport sees one. */
  readonly hostKey: string | undefined;
  /** Runs `script` in a fresh root shell. Never throws for what happens on the node or on the way. */
  run(script: string, options: RunOptions): Promise<Outcome>;
  close(): Promise<void>;
}

/** What a transport must know of a node; the inventory's node is one. */
export interface NodeAccess {
  readonly name: string;
  /** Host name, address, or an alias of `~/.ssh/config`. Default: the node's name. */
  readonly host?: string;
  readonly port?: number;
  readonly user?: string;
  /** Path of a private key. Default: what `ssh -G` says, and the agent. */
  readonly key?: string;
  /** True: root by `sudo -n`. */
  readonly become?: boolean;
  /**
   * A command line that ends in a root shell's standard input, such as `docker exec -i {name} sh -s`. `{name}`,
   * `{host}`, `{port}` and `{user}` are replaced by quoted values. With it, ssh2 is not used.
   */
  readonly command?: string;
}

export interface ConnectOptions {
  /**
   * The host key that the node was enrolled with, as `SHA256:<base64>`. Another one is refused. `undefined` only when
   * a person is about to enrol the node: then any key is taken and reported in {@link Connection.hostKey}.
   */
  readonly hostKey: string | undefined;
  /** Milliseconds until the connection must stand. Default 15 000. */
  readonly deadline?: number;
}

/** @throws ConnectError when no connection can be had. */
export type Connect = (node: NodeAccess, options: ConnectOptions) => Promise<Connection>;
