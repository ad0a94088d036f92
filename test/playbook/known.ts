import { kinds } from "../../src/operations/index.ts";
import type { Known } from "../../src/playbook/known.ts";

/** A catalogue of two breaks with a parameter of every type, and the real kinds of operations. */
export const known: Known = {
  breaks: new Map([
    [
      "files/immutable",
      {
        parameters: {
          type: "object",
          additionalProperties: false,
          properties: {
            path: { type: "string", pattern: "^/", default: "/etc/kubernetes/admin.conf" },
            delay: { type: "integer", minimum: 1, maximum: 3600, default: 5 },
            ratio: { type: "number", minimum: 0, maximum: 1, default: 0.5 },
            deep: { type: "boolean", default: false },
            ports: { type: "array", items: { type: "integer", minimum: 1 }, default: [2379, 2380] },
            level: { type: "string", enum: ["low", "high"], default: "low" },
          },
        },
      },
    ],
    [
      "files/unicode-doppelganger",
      { parameters: { type: "object", additionalProperties: false, properties: {} }, dangers: ["unicode"] },
    ],
  ]),
  operations: kinds,
};
