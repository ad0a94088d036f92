import { describe, expect, it } from "vitest";
import { label, masked } from "../../src/render/mask.ts";

describe("what is shown has no secret in it", () => {
  it.each([
    ["a kubeconfig's token", "- user:\n    token: CANARY\n", "- user:\n    token: [hidden]\n"],
    ["its key, however short", "    client-key-data: Q0FOQVJZ", "    client-key-data: [hidden]"],
    ["a token in quotes", 'token: "a \\"CANARY\\" b"', "token: [hidden]"],
    ["JSON on one line", '{"status":{"token":"CANARY","x":1}}', '{"status":{"token":[hidden],"x":1}}'],
    ["JSON in a shell's string", '"{\\"token\\":\\"CANARY\\"}"', '"{\\"token\\":[hidden]}"'],
    ["a credential helper's answer", '"clientKeyData":"CANARY"', '"clientKeyData":[hidden]'],
    ["a block of YAML", "  token: |\n    CANARY\n    CANARY\n  name: x", "  token: | [hidden]\n  name: x"],
    ["an environment variable", "export TOKEN=CANARY; curl x", "export TOKEN=[hidden]; curl x"],
    ["one in quotes", "DB_PASSWORD='a CANARY' x", "DB_PASSWORD=[hidden] x"],
    ["an option", "kubectl --token CANARY get pods", "kubectl --token [hidden] get pods"],
    ["an option with a sign", "kubectl --token=CANARY get", "kubectl --token=[hidden] get"],
    ["a header", 'curl -H "Authorization: Bearer CANARY12"', 'curl -H "Authorization: Bearer [hidden]"'],
    ["an address", "https://me:CANARY@host/x", "https://me:[hidden]@host/x"],
    [
      "a private key",
      "-----BEGIN EC PRIVATE KEY-----\\nCANARY\\n-----END EC PRIVATE KEY-----",
      "-----BEGIN EC PRIVATE KEY----- [hidden]",
    ],
    ["base64", `x: ${"Q0FOQVJZ".repeat(8)}==`, "x: [hidden]"],
  ])("%s", (_what, text, shown) => {
    expect(masked(text)).toBe(shown);
    expect(masked(text)).not.toMatch(/CANARY|Q0FOQVJZ/);
  });

  it.each([
    "kind: Secret",
    "    secretName: etcd-certs",
    "- --service-account-key-file=/etc/kubernetes/pki/sa.pub",
    "- --leader-elect=true",
    "image: registry.k8s.io/token:v1",
    "https://10.0.0.1:6443/api",
    "current-context: system:kube-scheduler@kubernetes",
    "edit /etc/kubernetes/manifests/kube-controller-manager.yaml",
  ])("leaves alone: %s", (text) => {
    expect(masked(text)).toBe(text);
  });
});

it("a label is one line, and nothing in it reaches the terminal as a command", () => {
  expect(label("chattr +i /tmp/a\nb\t\u001b[31mü\u009b")).toBe("chattr +i /tmp/a\\nb\\t\\u001b[31mü\\u009b");
});

it("takes no time over a file that is one long word", () => {
  const began = performance.now();
  masked(`${"a.".repeat(2_000_000)}\n${"token".repeat(200_000)}`);
  expect(performance.now() - began).toBeLessThan(2_000);
});
