import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { KbreakError } from "../../errors.ts";
import { quote } from "../../shell.ts";
import type { Ran } from "../command.ts";

/**
 * Runs a command in the root shell on a machine's second serial line. What it writes to standard error is in `stdout`,
 * as there is only one line.
 * @param limit Milliseconds.
 * @throws KbreakError when nobody answers in time.
 */
export async function runOnSerial(path: string, command: string, limit: number): Promise<Ran> {
  // In a session of its own: on a terminal systemctl would start an agent that asks for passwords there.
  const ran = await ask(path, `setsid -w sh -c ${quote(command)} </dev/null 2>&1`, limit);
  if (ran === undefined) throw new KbreakError(`the machine does not answer on its serial line (${path})`);
  return ran;
}

/**
 * Waits until the shell on the second serial line answers.
 * @throws KbreakError when it does not in time.
 */
export async function waitForSerial(path: string, limit: number): Promise<void> {
  // What comes before the shell has set up its line is lost, so it is asked again; more and more slowly, as the answer
  // may only be late. The question needs no program.
  const end = Date.now() + limit;
  for (let patience = 300; Date.now() < end; patience *= 1.5) {
    const asked = Date.now();
    if ((await ask(path, ":", Math.min(patience, end - asked))) !== undefined) return;
    // Nobody listens yet.
    if (Date.now() - asked < 50) await sleep(50);
  }
  throw new KbreakError(`the machine does not answer on its serial line (${path})`);
}

async function ask(path: string, command: string, limit: number): Promise<Ran | undefined> {
  const marker = randomBytes(9).toString("hex");
  const socket = connect(path);
  let said = "";
  // Without quotes of its own: of a line that was sent while the machine was not there yet, a part may have arrived, and
  // an open quote in it would swallow all that follows.
  const lines = `\necho; echo ${marker}; ${command}; code=$?; echo; echo ${marker} $code\n`;
  const pattern = new RegExp(`${marker}\\r?\\n([\\s\\S]*?)\\r?\\n${marker} (\\d+)`);
  try {
    return await Promise.race([
      sleep(limit, undefined, { ref: false }),
      new Promise<Ran | undefined>((resolve) => {
        socket.on("error", () => resolve(undefined));
        socket.setEncoding("utf8").on("data", (text: string) => {
          said += text;
          const [, stdout, code] = pattern.exec(said) ?? [];
          if (stdout !== undefined) resolve({ code: Number(code), stdout, stderr: "" });
        });
        socket.on("connect", () => socket.write(lines));
      }),
    ]);
  } finally {
    socket.destroy();
  }
}

/** Bytes of a command line that the line's buffer in the machine, 4096 bytes, takes in any case. */
const chunk = 3_000;

/**
 * Writes a file in the machine, piece by piece: an emulated processor reads more slowly than the line delivers, and
 * what does not fit into the buffer of a serial line without flow control is lost.
 * @throws KbreakError when the machine does not answer or cannot write.
 */
export async function uploadBySerial(path: string, file: string, content: Buffer): Promise<void> {
  const text = content.toString("base64");
  const pieces = text.match(new RegExp(`.{1,${chunk}}`, "g")) ?? [];
  const commands = [
    `umask 077; : >${quote(`${file}.b64`)}`,
    ...pieces.map((piece) => `printf %s ${piece} >>${quote(`${file}.b64`)}`),
    `umask 077; base64 -d ${quote(`${file}.b64`)} >${quote(file)}; rm ${quote(`${file}.b64`)}`,
  ];
  for (const command of commands) {
    const { code, stdout } = await runOnSerial(path, command, 30_000);
    if (code !== 0) throw new KbreakError(`${file} cannot be written by the serial line: ${stdout.trim()}`);
  }
}

/** What a person types to leave: control and the closing bracket, as in telnet. */
const leave = "\x1d";

/**
 * Connects this terminal to a machine's first serial line until the person leaves or the machine ends.
 * @throws KbreakError when the machine does not run.
 */
export async function attachConsole(path: string): Promise<void> {
  const socket = connect(path);
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", (cause) => reject(new KbreakError(`no console: ${cause.message}`, { cause })));
  });
  const { stdin, stdout, stderr } = process;
  stderr.write("the machine's console; press enter for a shell, and control and ] to leave\n");
  if (stdin.isTTY) stdin.setRawMode(true);
  socket.pipe(stdout, { end: false });
  try {
    await new Promise<void>((resolve) => {
      socket.once("close", resolve);
      stdin.on("data", (typed: Buffer) => (typed.includes(leave) ? resolve() : socket.write(typed)));
      stdin.once("end", resolve);
    });
  } finally {
    if (stdin.isTTY) stdin.setRawMode(false);
    stdin.destroy();
    socket.destroy();
  }
}
