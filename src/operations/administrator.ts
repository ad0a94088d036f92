import { trusted } from "../shell.ts";

/** The two keys that make a client run a program; a backslash, as YAML could spell them with one. */
export const credentialHelper = String.raw`\\|(^|[^[:alnum:]])(exec|auth-provider)([^[:alnum:]]|$)`;

/**
 * Defines `administer WORDS…`: the node's own kubectl as the cluster's administrator, preferably the super administrator
 * that kubeadm makes since 1.29 and nobody works with.
 *
 * What a break may have put in the way is not run: neither another `kubectl` of the PATH, nor a kubeconfig's credential
 * helper, nor root's kuberc. Nothing is written: kubectl would keep a cache in root's home.
 */
export const administratorLibrary = trusted(String.raw`
administer() { # words...
  client=/usr/bin/kubectl
  [ -x "$client" ] || client=/usr/local/bin/kubectl
  for config in /etc/kubernetes/super-admin.conf /etc/kubernetes/admin.conf; do
    if [ -r "$config" ] && ! grep -qE '${credentialHelper}' "$config"; then
      KUBERC=off timeout -k 1 30 "$client" --kubeconfig "$config" --cache-dir /dev/null --request-timeout 20s "$@"
      return
    fi
  done
  echo 'no kubeconfig of an administrator is there that runs no program' >&2
  return 1
}
`);
