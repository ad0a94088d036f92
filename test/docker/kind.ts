import { rmSync } from "node:fs";
import { messageOf } from "../../src/errors.ts";
import { type Engine, type EngineWish, startEngine } from "./engine.ts";
import { kindProgram } from "./programs.ts";

/** A real Docker, which this process's commands meet, beside the real kind. */
export interface Kind {
  readonly engine: Engine;
  end(): Promise<void>;
}

/**
 * Call it in `beforeAll` and `end()` in `afterAll`. Gives why there is none on a machine that cannot have them.
 * @param folder The data folder for labs, which goes at the end.
 */
export async function useKind(folder: string, wish: EngineWish = {}): Promise<Kind | string> {
  const { PATH, DOCKER_HOST, KBREAK_DATA_DIR } = process.env;
  const engine = await startEngine(wish);
  const gone = () => rmSync(folder, { recursive: true });
  if (typeof engine === "string") {
    gone();
    return engine;
  }
  const end = async () => {
    await engine.end();
    gone();
    process.env.PATH = PATH;
    process.env.KBREAK_DATA_DIR = KBREAK_DATA_DIR;
    if (DOCKER_HOST === undefined) delete process.env.DOCKER_HOST;
    else process.env.DOCKER_HOST = DOCKER_HOST;
  };
  try {
    process.env.PATH = `${await kindProgram()}:${engine.env.PATH}`;
  } catch (error) {
    await end();
    return `kind cannot be built: ${messageOf(error)}`;
  }
  process.env.DOCKER_HOST = engine.env.DOCKER_HOST;
  process.env.KBREAK_DATA_DIR = folder;
  return { engine, end };
}
