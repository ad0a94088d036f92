import type { JSONSchema } from "json-schema-to-ts";

const name = {
  type: "string",
  pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$",
  patternErrorMessage:
    "a name of letters, digits, dots, dashes and underscores that begins with a letter or digit",
} as const;

const selection = {
  type: "string",
  pattern: "^[^\\s,!&-][^\\s,!&]*$",
  patternErrorMessage: "the name of a node or group, or a glob such as w*",
} as const;

const vars = {
  type: "object",
  description: "Values of your own; `kbreak inventory show` lists them.",
  additionalProperties: { type: ["string", "number", "boolean"] },
} as const;

/** What a node and the defaults of all nodes have in common: how to reach it. */
const access = {
  port: {
    type: "integer",
    minimum: 1,
    maximum: 65535,
    description: "The ssh port. Default: what ~/.ssh/config says, or 22.",
  },
  user: {
    type: "string",
    pattern: "^[^\\s-]\\S*$",
    patternErrorMessage: "a user's name without spaces",
    description: "Default: what ~/.ssh/config says, or your own name.",
  },
  key: {
    type: "string",
    minLength: 1,
    description:
      "A private key, relative to this file's folder; ~ is your home. Default: those of ~/.ssh/config, and the agent.",
  },
  become: { type: "boolean", description: "true: become root by `sudo -n`." },
  command: {
    type: "string",
    minLength: 1,
    description:
      "Instead of ssh: a command that ends in a root shell's standard input, such as `docker exec -i {name} sh -s`. {name}, {host}, {port} and {user} are filled in.",
  },
  vars,
} as const;

const node = {
  type: ["object", "null"],
  description: "A node; with nothing behind its name it is reached by ssh under its name.",
  additionalProperties: false,
  properties: {
    host: {
      type: "string",
      pattern: "^[^\\s-]\\S*$",
      patternErrorMessage: "a host name, an address or an alias of ~/.ssh/config, without spaces",
      description: "Host name, address or alias of ~/.ssh/config. Default: the node's name.",
    },
    ...access,
    roles: {
      type: "array",
      uniqueItems: true,
      items: { type: "string", enum: ["control-plane", "worker"] },
    },
    cluster: { ...name, description: "The cluster that it belongs to." },
    zone: { type: "string", minLength: 1 },
    address: {
      type: "string",
      pattern: "^[A-Za-z0-9:.-]+$",
      patternErrorMessage: "an address or a host name",
      description:
        "The address of its services, for a goal's `http://{name}:30000/`. Default: the host that ssh connects to.",
    },
    protected: { type: "boolean", description: "true: kbreak never changes this node." },
  },
} as const;

const schema = {
  $schema: "http://json-schema.org/draft-07/schema#",
  title: "kbreak inventory",
  type: "object",
  additionalProperties: false,
  required: ["name", "nodes"],
  properties: {
    name: { ...name, description: "The lab's name: it is typed once, to enrol the lab." },
    defaults: {
      type: "object",
      description: "What holds for every node that does not say otherwise.",
      additionalProperties: false,
      properties: access,
    },
    nodes: { type: "object", minProperties: 1, propertyNames: name, additionalProperties: node },
    clusters: {
      type: "object",
      propertyNames: name,
      additionalProperties: {
        type: "object",
        additionalProperties: false,
        properties: {
          kubeconfig: {
            type: "string",
            minLength: 1,
            description: "A kubeconfig on this machine, relative to this file's folder; ~ is your home.",
          },
          nodes: {
            type: "array",
            uniqueItems: true,
            items: { ...selection, description: "A node or a glob." },
          },
        },
      },
    },
    groups: {
      type: "object",
      propertyNames: name,
      additionalProperties: {
        type: "array",
        items: { ...selection, description: "A node, another group, or a glob such as w*." },
      },
    },
    keep: {
      type: "object",
      description: "What must stay reachable or running whatever is broken.",
      additionalProperties: false,
      properties: {
        ports: { type: "array", uniqueItems: true, items: { type: "integer", minimum: 1, maximum: 65535 } },
        units: {
          type: "array",
          uniqueItems: true,
          items: {
            type: "string",
            pattern: "^[A-Za-z0-9:_.\\\\@-]+\\.[a-z]+$",
            patternErrorMessage: "a systemd unit with its ending, such as teleport.service",
          },
        },
      },
    },
    protected: { type: "boolean", description: "true: nothing of this inventory is ever changed." },
    max_targets: {
      type: "integer",
      minimum: 1,
      description: "The most nodes that one run may change. Default: all.",
    },
  },
} as const;

/** JSON Schema of an inventory file. */
export const inventorySchema: JSONSchema = schema;
