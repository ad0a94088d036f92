import { quote } from "../../src/shell.ts";
import { on } from "./bench.ts";
import type { TestNode } from "./lab.ts";

/** Perl is on every Debian. A path's answer is a file whose name has `~` for each `/`; `/slow` never answers. */
const server = `use IO::Socket::INET;
my ($port, $folder) = @ARGV;
my $socket = IO::Socket::INET->new(LocalPort => $port, Listen => 20, ReuseAddr => 1) or die $!;
while (my $client = $socket->accept) {
  if (fork) { close $client; next }
  my ($path) = <$client> =~ m{^GET ([^ ?]*)};
  while (<$client> =~ /[^\\r\\n]/) {}
  sleep 1 while $path eq "/slow";
  (my $name = $path) =~ tr{/}{~};
  my $status = -e "$folder/$name" ? "200 OK" : "404 Not Found";
  my $body = "";
  if (open my $file, "<", "$folder/$name") { local $/; $body = <$file> }
  my $type = $body =~ /^\\{/ ? "application/json" : "text/plain";
  print $client "HTTP/1.1 $status\\r\\nContent-Type: $type\\r\\nContent-Length: ", length $body, "\\r\\nConnection: close\\r\\n\\r\\n$body";
  exit;
}`;

/** An HTTP server on a node, as a unit; gives what ends it. Its files are below /run. */
export async function serve(
  node: TestNode,
  port: number,
  pages: Readonly<Record<string, string>>,
): Promise<() => Promise<void>> {
  const unit = `web-${port}`;
  const folder = `/run/${unit}`;
  const files = Object.entries(pages).map(
    ([path, text]) => `printf %s ${quote(text)} > ${quote(`${folder}/${path.replaceAll("/", "~")}`)}`,
  );
  await on(
    node,
    [
      `mkdir ${folder}`,
      ...files,
      `systemd-run -q --unit=${unit} perl -e ${quote(server)} ${port} ${folder}`,
      `timeout 10 sh -c 'until ss -Hltn sport = ${port} | grep -q .; do sleep 0.1; done'`,
    ].join("\n"),
  );
  return async () => {
    await on(node, `systemctl stop ${unit}; rm -r ${folder}`);
  };
}
