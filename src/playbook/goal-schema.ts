import type { JSONSchema } from "json-schema-to-ts";
import { selection, text } from "./schema-parts.ts";

/** What kubectl would take for an option is refused: it must be a resource. */
const resource = {
  type: "string",
  pattern: "^[a-z][a-z0-9.-]*(/[a-z0-9][a-z0-9.:-]*)?$",
  patternErrorMessage: "a resource, such as deployment/web or pods",
  description: "A resource, such as deployment/web, or pods with a selector.",
} as const;

const jsonpath = {
  type: "string",
  pattern: "^\\{[^\\u0000]*\\}$",
  patternErrorMessage: "a JSONPath in quotes, such as '{.status.readyReplicas}'",
  description: "What must be there, such as '{.status.readyReplicas}'. Default: the resource itself.",
} as const;

const condition = {
  type: "string",
  pattern: "^(condition=[A-Za-z].*|jsonpath=\\{.*\\}.*|create|delete)$",
  patternErrorMessage: "what `kubectl wait --for` takes, such as condition=Available",
  description:
    "As `kubectl wait --for` takes it: condition=Available, jsonpath={.status.phase}=Running, delete.",
} as const;

const kubectl = {
  type: "object",
  additionalProperties: false,
  description:
    "What the kubectl of a control plane node must find, by its /etc/kubernetes/admin.conf. It only reads.",
  properties: {
    get: resource,
    jsonpath,
    wait: resource,
    for: condition,
    namespace: {
      type: "string",
      pattern: "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
      patternErrorMessage: "a namespace's name",
      default: "default",
    },
    selector: {
      type: "string",
      pattern: "^[A-Za-z0-9!(][^\\s]*$",
      patternErrorMessage: "labels without spaces, such as app=web",
      description: "Labels, such as app=web.",
    },
  },
  oneOf: [{ required: ["get"] }, { required: ["wait"] }],
  dependencies: { jsonpath: ["get"], for: ["wait"], wait: ["for"] },
} as const;

const goal = {
  type: "object",
  additionalProperties: false,
  required: ["name"],
  properties: {
    name: text,
    on: {
      ...selection,
      description:
        "The nodes to ask on. Without it, http is asked from where kbreak runs, and kubectl on the first control plane node.",
    },
    http: {
      type: "string",
      pattern: "^https?://[^\\s]+$",
      patternErrorMessage: "a URL, such as http://{w1}:30000/",
      description:
        "A URL that must answer; {w1} is the address of the node w1. Redirections are not followed.",
    },
    status: {
      type: "integer",
      minimum: 200,
      maximum: 599,
      default: 200,
      description: "What it answers with.",
    },
    run: { ...text, description: "A command that only reads; 0 means healthy." },
    kubectl,
    contains: { ...text, description: "The answer must contain this." },
    deadline: {
      type: "integer",
      minimum: 1,
      maximum: 300,
      description: "Seconds until there must be an answer. Default: 5, for a command 30.",
    },
  },
  oneOf: [{ required: ["http"] }, { required: ["run"] }, { required: ["kubectl"] }],
  dependencies: { run: ["on"], status: ["http"] },
} as const;

/** A goal's probe; its key tells its kind. */
export const goalSchema: JSONSchema = goal;
