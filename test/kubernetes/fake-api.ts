import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import { type Authority, type Credential, issue, makeAuthority } from "../../src/lab/kubeadm/certificates.ts";
import { kubeconfig } from "../../src/lab/kubeadm/kubeconfig.ts";

/** An https server in an API server's place. It knows whom its CA has signed, and one token. */
export interface FakeApi {
  readonly url: string;
  readonly ca: Authority;
  readonly admin: Credential;
  /** A kubeconfig of the administrator, as kubeadm writes it, with parts of it replaced. */
  config(changes?: Partial<Parameters<typeof kubeconfig>[0]>): string;
  close(): void;
}

export const token = "it-is-007";

/** Answers `/api/v1/nodes` to the administrator; forbids it to others that it knows, and never answers `slow`. */
export async function startFakeApi(nodes: readonly unknown[]): Promise<FakeApi> {
  const ca = await makeAuthority("kubernetes");
  const server = await issue(ca, {
    commonName: "kube-apiserver",
    addresses: ["127.0.0.1"],
    usage: ["server"],
  });
  const admin = await issue(ca, { commonName: "kubernetes-admin", usage: ["client"] });
  const https: Server = createServer(
    {
      cert: server.certificate,
      key: server.key,
      ca: ca.certificate,
      requestCert: true,
      rejectUnauthorized: false,
    },
    (request, response) => {
      const socket = request.socket as TLSSocket;
      const name = request.headers.authorization === `Bearer ${token}` ? "kubernetes-admin" : nameOf(socket);
      if (name === "slow") return;
      const code = name === undefined ? 401 : name === "kubernetes-admin" ? 200 : 403;
      const known = code === 200 && request.url === "/api/v1/nodes";
      response.writeHead(known ? 200 : code === 200 ? 404 : code, { "content-type": "application/json" });
      const metadata = { resourceVersion: "1" };
      const answer = known
        ? { kind: "NodeList", apiVersion: "v1", metadata, items: nodes }
        : { kind: "Status", status: "Failure", code };
      response.end(JSON.stringify(answer));
    },
  );
  await new Promise<void>((resolve) => https.listen(0, "127.0.0.1", resolve));
  const url = `https://127.0.0.1:${(https.address() as AddressInfo).port}`;
  return {
    url,
    ca,
    admin,
    config: (changes = {}) =>
      kubeconfig({
        server: url,
        ca: ca.certificate,
        user: "kubernetes-admin",
        credential: admin,
        ...changes,
      }),
    close() {
      https.closeAllConnections();
      https.close();
    },
  };
}

function nameOf(socket: TLSSocket): string | undefined {
  return socket.authorized ? String(socket.getPeerCertificate().subject.CN) : undefined;
}
