/**
 * Takes secrets out of a text that is shown: private keys and certificates in PEM, credentials of kubeconfigs and
 * Secrets, and any long run of base64.
 */
export function masked(text: string): string {
  return text
    .replaceAll(/-----BEGIN ([A-Z ]+)-----[\s\S]*?-----END \1-----/g, "-----BEGIN $1----- [hidden]")
    .replaceAll(
      /^(\s*(?:- )?["']?(?:[\w.-]*(?:token|password|secret|key-data|private-key))["']?\s*[:=]\s*)\S.*$/gim,
      "$1[hidden]",
    )
    .replaceAll(/[A-Za-z0-9+/_-]{48,}={0,2}/g, "[hidden]");
}
