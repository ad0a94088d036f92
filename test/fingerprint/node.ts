import { connect } from "../../src/transport/connect.ts";
import type { Connection } from "../../src/transport/transport.ts";
import { useLab } from "../support/lab.ts";

export interface Node {
  /** One connection, kept open. */
  readonly connection: Connection;
  /** A login of its own, as another person's. */
  login(): Promise<Connection>;
  /** Runs a script and gives its output; throws when it fails. */
  run(script: string): Promise<string>;
  end(): Promise<void>;
}

/** A control plane of a lab of its own: these tests leave interfaces and units behind. */
export async function startNode(): Promise<Node> {
  const lab = await useLab({ nodes: "1+0", fresh: true });
  const { access, identity } = lab.node("cp1");
  const login = () => connect(access, { hostKey: identity.hostKey });
  const connection = await login();
  return {
    connection,
    login,
    run: async (script) => {
      const outcome = await connection.run(`set -e\n${script}\n`, { deadline: 30_000 });
      if (outcome.kind === "exited" && outcome.code === 0) return outcome.stdout;
      throw new Error(`${script}\n${JSON.stringify(outcome)}`);
    },
    end: async () => {
      await connection.close();
      await lab.down();
    },
  };
}
