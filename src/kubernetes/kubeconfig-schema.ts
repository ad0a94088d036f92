import type { JSONSchema } from "json-schema-to-ts";

const text = { type: "string", minLength: 1 } as const;

function named(
  key: string,
  properties: Readonly<Record<string, JSONSchema>>,
  required: readonly string[] = [],
) {
  return {
    type: "array",
    minItems: 1,
    items: {
      type: "object",
      required: ["name", key],
      properties: { name: text, [key]: { type: "object", properties, required } },
    },
  } as const;
}

const url = {
  type: "string",
  pattern: "^https://[^\\s]+$",
  patternErrorMessage: "an https URL, such as https://192.168.56.11:6443",
} as const;

const cluster = {
  server: url,
  "certificate-authority": text,
  "certificate-authority-data": text,
  "insecure-skip-tls-verify": { type: "boolean" },
  "tls-server-name": text,
  "proxy-url": text,
} as const;

const user = {
  "client-certificate": text,
  "client-certificate-data": text,
  "client-key": text,
  "client-key-data": text,
  token: text,
  tokenFile: text,
} as const;

/** The part of a kubeconfig that is read here; whatever else is in one is left alone. */
export const kubeconfigSchema: JSONSchema = {
  type: "object",
  required: ["clusters", "contexts", "users"],
  properties: {
    "current-context": { type: "string" },
    clusters: named("cluster", cluster, ["server"]),
    contexts: named("context", { cluster: text, user: text }, ["cluster", "user"]),
    users: named("user", user),
  },
};
