import { X509Certificate } from "node:crypto";
import type { CoreV1Api, RequestContext, ResponseContext } from "@kubernetes/client-node";
import { ConnectError, type KbreakError, messageOf, PreconditionError, RemoteError } from "../errors.ts";
import { isRecord } from "../schema.ts";
import type { Kubeconfig } from "./kubeconfig.ts";

/** A cluster's API server. Every call has a deadline. */
export interface Client {
  readonly config: Kubeconfig;
  /**
   * One call.
   * @param what What it is for, in words that follow "may not": "list nodes".
   * @throws ConnectError when there is no answer or no authentication, PreconditionError when it is not allowed,
   * RemoteError for any other answer.
   */
  ask<T>(what: string, call: (core: CoreV1Api) => Promise<T>): Promise<T>;
}

/** Milliseconds. */
const DEADLINE = 10_000;

const newOne =
  "take a new one from a control plane node, /etc/kubernetes/admin.conf; `kubeadm certs check-expiration` tells there whether it is sound";

/**
 * Connects nothing yet.
 * @param deadline Milliseconds for each call. Default 10 000.
 * @throws ConnectError when the client certificate is out of its time.
 */
export async function clientOf(config: Kubeconfig, deadline = DEADLINE): Promise<Client> {
  refuseOutOfTime(config);
  const { CoreV1Api, createConfiguration, KubeConfig, ServerConfiguration } = await import(
    "@kubernetes/client-node"
  );
  const authentication = new KubeConfig();
  authentication.loadFromClusterAndUser(
    {
      name: config.cluster,
      server: config.server,
      skipTLSVerify: config.insecure,
      ...(config.ca === undefined ? {} : { caData: base64(config.ca) }),
      ...(config.tlsServerName === undefined ? {} : { tlsServerName: config.tlsServerName }),
      ...(config.proxyUrl === undefined ? {} : { proxyUrl: config.proxyUrl }),
    },
    { name: config.user, ...credentialsOf(config) },
  );
  const core = new CoreV1Api(
    createConfiguration({
      baseServer: new ServerConfiguration(config.server, {}),
      authMethods: { default: authentication },
      promiseMiddleware: [
        {
          pre: async (context: RequestContext) => {
            context.setSignal(AbortSignal.timeout(deadline));
            return context;
          },
          post: async (context: ResponseContext) => context,
        },
      ],
    }),
  );
  return {
    config,
    async ask(what, call) {
      try {
        return await call(core);
      } catch (error) {
        throw errorOf(error, what, config, deadline);
      }
    },
  };
}

const base64 = (text: string) => Buffer.from(text).toString("base64");

function credentialsOf({ credentials }: Kubeconfig) {
  if ("token" in credentials) return credentials;
  return { certData: base64(credentials.certificate), keyData: base64(credentials.key) };
}

/** The server would say no more than "unauthorized". */
function refuseOutOfTime({ credentials, file, user }: Kubeconfig): void {
  if ("token" in credentials) return;
  const { validFrom, validTo } = new X509Certificate(credentials.certificate);
  const [from, to, now] = [new Date(validFrom), new Date(validTo), new Date()];
  if (from <= now && now <= to) return;
  const when = now > to ? `expired on ${day(to)}` : `is not valid before ${day(from)}`;
  throw new ConnectError(`${file}: the client certificate of the user "${user}" ${when}`, { hint: newOne });
}

const day = (date: Date) => date.toISOString().slice(0, 10);

function errorOf(error: unknown, what: string, config: Kubeconfig, deadline: number): KbreakError {
  const { file, server, user } = config;
  const code = isRecord(error) ? error.code : undefined;
  const cause = error;
  if (code === 401)
    return new ConnectError(`${server} does not know the credentials of the user "${user}" in ${file}`, {
      hint: newOne,
      cause,
    });
  if (code === 403)
    return new PreconditionError(`the user "${user}" of ${file} may not ${what}`, {
      hint: "use a kubeconfig of the cluster's administrator",
      cause,
    });
  if (typeof code === "number")
    return new RemoteError(`${server} answers ${code} when asked to ${what}`, { cause });
  if (error instanceof Error && error.name === "AbortError")
    return new ConnectError(`${server} has not answered within ${deadline / 1000} s`, {
      hint: reach(server),
      cause,
    });
  const why = messageOf(error).replace(/^request to \S+ failed, reason: /, "");
  const hint = isAboutCertificates(code)
    ? `${file} is of another cluster, or of this one before it was made anew: take it from there again`
    : reach(server);
  return new ConnectError(`${server} cannot be reached: ${why || code}`, { hint, cause });
}

const reach = (server: string) => `try: curl -k ${server}/livez`;

/** As OpenSSL and Node name them. */
const isAboutCertificates = (code: unknown) =>
  typeof code === "string" && /CERT|SIGNATURE|^ERR_SSL|^ERR_TLS|ISSUER/.test(code);
