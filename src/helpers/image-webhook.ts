import type { Manifest } from "../operations/object.ts";

/** A webhook that gives pods another image than they ask for. */
export interface ImageWebhook {
  readonly name: string;
  /** Whose pods it changes. */
  readonly namespace: string;
  /** `address:port`, as the API server reaches it. */
  readonly listen: string;
  /** The image that a pod's first container asks for, and the one that it gets. */
  readonly asked: string;
  readonly given: string;
  /** Path of a certificate for that address, and of its key: without `.crt` and `.key`. */
  readonly server: string;
  /** PEM of the authority that has signed it. */
  readonly authority: string;
}

const base64 = (text: string) => Buffer.from(text).toString("base64");

/**
 * The program that answers the API server. It needs perl and openssl, which does its TLS, as Perl alone has none.
 *
 * One request after the other, each on a connection of its own, as `s_server` takes one at a time; the others wait in its
 * queue. Each begins with its method, so what a connection that broke off has left is not taken for a part of the next.
 */
export function imageWebhookProgram({ listen, server, asked, given }: ImageWebhook): string {
  const patch = base64(JSON.stringify([{ op: "replace", path: "/spec/containers/0/image", value: given }]));
  return String.raw`#!/usr/bin/perl
use strict;
use IPC::Open2;
my $asked = '${asked}';
my $patch = '${patch}';
open2(my $in, my $out, qw(openssl s_server -quiet -accept ${listen} -cert ${server}.crt -key ${server}.key));
my $text = '';
while (sysread $in, $text, 65536, length $text) {
  $text =~ s/^.*(?=POST \S+ HTTP)//s;
  next unless $text =~ /^(.*?)\r\n\r\n(.*)/s;
  my ($head, $body) = ($1, $2);
  my ($length) = $head =~ /content-length: *(\d+)/i;
  next if length $body < $length;
  my ($uid) = $body =~ /"request":\{"uid":"([^"]+)"/;
  my $change = $body =~ /"containers":\[\{"name":"[^"]*","image":"\Q$asked\E"/
    ? qq(,"patchType":"JSONPatch","patch":"$patch") : '';
  my $answer = qq({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview",)
    . qq("response":{"uid":"$uid","allowed":true$change}});
  syswrite $out, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
    . 'Content-Length: ' . length($answer) . "\r\n\r\n$answer";
  $text = '';
}
`;
}

/** The object that tells the API server of it. Without an answer a pod is made as it was asked for. */
export function imageWebhookManifest({ name, namespace, listen, authority }: ImageWebhook): Manifest {
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "MutatingWebhookConfiguration",
    metadata: { name },
    webhooks: [
      {
        name: `${name}.admission.k8s.io`,
        clientConfig: { url: `https://${listen}/`, caBundle: base64(authority) },
        rules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"] }],
        namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
        failurePolicy: "Ignore",
        timeoutSeconds: 2,
        sideEffects: "None",
        admissionReviewVersions: ["v1"],
      },
    ],
  };
}
