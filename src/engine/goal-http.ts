import type { IncomingMessage } from "node:http";
import { messageOf } from "../errors.ts";
import { type Shell, sh } from "../shell.ts";

/** What a server has answered. */
export interface HttpAnswer {
  readonly status: number;
  /** Its beginning. */
  readonly body: string;
}

/** What is wrong with an answer; `undefined` when it is as it should be. */
export function httpProblem(
  { status, body }: HttpAnswer,
  wanted: { readonly status: number; readonly contains?: string },
): string | undefined {
  if (status !== wanted.status) return `it answers ${status}, not ${wanted.status}`;
  if (wanted.contains === undefined || body.includes(wanted.contains)) return undefined;
  return `${JSON.stringify(wanted.contains)} is not in the answer`;
}

/** Bytes of an answer that are looked at: a page that never ends is cut there. */
const LIMIT = 256 * 1024;

/** Asks from this machine; gives in words why there is no answer. */
export async function askHttp(url: string, milliseconds: number): Promise<HttpAnswer | string> {
  const signal = AbortSignal.timeout(milliseconds);
  try {
    const response = await begun(url, signal);
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of response) {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= LIMIT) break;
    }
    return { status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") };
  } catch (error) {
    if (signal.aborted) return `no answer from ${url} within ${milliseconds / 1000} s`;
    return `no answer from ${url}: ${reasonOf(error)}`;
  }
}

/** Not by `fetch`, which refuses ports that browsers do. */
async function begun(url: string, signal: AbortSignal): Promise<IncomingMessage> {
  const { get } = url.startsWith("https:") ? await import("node:https") : await import("node:http");
  return new Promise((resolve, reject) => {
    // As forgiving as browsers: workloads of shows are small servers that end a line as they like.
    get(url, { signal, agent: false, insecureHTTPParser: true }, resolve).on("error", reject);
  });
}

/** Where a name has several addresses, only the error's code says why none of them answered. */
function reasonOf(error: unknown): string {
  return messageOf(error) || String((error as NodeJS.ErrnoException).code);
}

/**
 * Asks from a node, by its curl or else its wget: prints `=answer` with the head and the beginning of the body in
 * base64, and complaints beside it. No file is written there, and no settings of root's are read.
 */
export function httpScript(url: string, deadline: number): Shell {
  return sh`exec 3>&1
if command -v curl >/dev/null; then
  ask() { curl -q -sS -i -g --noproxy '*' --max-time ${deadline} --url ${url}; }
elif command -v wget >/dev/null; then
  ask() { timeout ${deadline} wget -nv -O - --save-headers --content-on-error --max-redirect=0 --no-config --no-proxy --no-hsts -t 1 ${url}; }
else
  echo 'there is neither curl nor wget on the node'
  exit 1
fi
put answer "$(ask 2>&3 | head -c ${LIMIT} | b64)"`;
}

/** An answer as it came: its head, those of informational answers before it left out, and its body. */
export function httpAnswer(text: string): HttpAnswer | undefined {
  const head = /^HTTP\/\S+ (\d{3})[^\n]*\n(?:[^\r\n][^\n]*\n)*\r?\n/.exec(text);
  if (head === null) return undefined;
  const [whole, code] = head;
  const status = Number(code);
  const rest = text.slice(whole.length);
  return status < 200 ? httpAnswer(rest) : { status, body: rest };
}
