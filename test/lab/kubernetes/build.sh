#!/bin/sh
# Builds the programs of a Kubernetes cluster from pinned Go modules, and prints the folder that they are in.
# What is there already is not built again; what was interrupted goes on. README.md has the folder's layout.
set -eu
export GOOS=linux CGO_ENABLED=0 GOWORK=off
# As cacheFolder() of src/lab/folders.ts.
cache=$(realpath -m "${KBREAK_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/kbreak}")/kubernetes
cd "$(dirname "$0")"

modules="cluster runtime dns"
go=$(for module in $modules; do go -C "$module" env GOVERSION GOARCH || exit; done) || {
  echo "build.sh: Go is missing or too old: */go.mod say which it must be, https://go.dev/doc/install how to get it" >&2
  exit 1
}
hash=$({ echo "$go" && cat build.sh */go.mod */go.sum cluster/pause/main.go; } | sha256sum | cut -c1-16)
folder=$cache/$hash
made=$folder.part

# The version that the go.mod of one of our modules pins another to: "v1.2.3".
pinned() { go -C "$1" list -m -f '{{.Version}}' "$2"; }

# The version that a program says it has: "v1.2.3".
says() {
  case ${1##*/} in
  kubeadm | etcdctl | etcdutl) "$1" version ;;
  kubectl) "$1" version --client ;;
  coredns) "$1" -version ;;
  containerd-shim-runc-v2) "$1" -v ;;
  *) "$1" --version ;;
  esac 2>&1 | grep -oE '[0-9]+\.[0-9]+\.[0-9]+' | sed 's/^/v/;q'
}

# The file that a program becomes: its package's last name, which for `go.etcd.io/etcd/server/v3` says too little.
file_of() {
  case $1 in
  go.etcd.io/etcd/server/*) echo bin/etcd ;;
  */plugins/plugins/*) echo "cni/${1##*/}" ;;
  */v[0-9]) file_of "${1%/*}" ;;
  *) echo "bin/${1##*/}" ;;
  esac
}

# Builds a module's program of a package to a file, unless it is there.
build() {
  [ ! -e "$3" ] || return 0
  go -C "$1" build -trimpath -buildvcs=false -tags "$tags" -ldflags "$ldflags" -o "$made/.new" "$2"
  mv "$made/.new" "$3"
}

mkdir -p "$cache"
# Of two builds at once the second waits, and finds everything done.
exec 9> "$cache/.lock"
flock 9

if [ ! -d "$folder" ]; then
  mkdir -p "$made/bin" "$made/cni"
  kubernetes=$(pinned cluster k8s.io/kubernetes)
  minor=${kubernetes#v1.}
  # Tags and variables are those of the programs' own makefiles. kubeadm and kubectl compare versions.
  tags=notest,grpcnotrace,urfave_cli_no_docs
  ldflags="-s -w"
  for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    ldflags="$ldflags -X $package.gitVersion=$kubernetes -X $package.gitMajor=1 -X $package.gitMinor=${minor%%.*}"
    ldflags="$ldflags -X $package.gitTreeState=clean"
  done
  ldflags="$ldflags -X github.com/containerd/containerd/v2/version.Version=$(pinned runtime github.com/containerd/containerd/v2)"
  cni=$(pinned runtime github.com/containernetworking/plugins)
  ldflags="$ldflags -X github.com/containernetworking/plugins/pkg/utils/buildversion.BuildVersion=$cni"
  ldflags="$ldflags -X sigs.k8s.io/cri-tools/pkg/version.Version=$(pinned cluster sigs.k8s.io/cri-tools)"

  for module in $modules; do
    go -C "$module" list -f "$module {{.ImportPath}} {{.Module.Version}}" tool > "$made/.list"
    sort "$made/.list"
  done > "$made/.tools"
  total=$(wc -l < "$made/.tools")
  count=0
  comma=
  echo '{' > "$made/versions.json"
  while read -r module package version; do
    count=$((count + 1))
    file=$(file_of "$package")
    name=${file##*/}
    echo "$count/$total $name $version" >&2
    build "$module" "$package" "$made/$file"
    said=$(says "$made/$file")
    # Our own pause has no version in go.mod.
    if [ "$said" != "${version:-$said}" ]; then
      rm "$made/$file"
      echo "build.sh: $name says that it is ${said:-nothing} and not $version: see ldflags in build.sh" >&2
      exit 1
    fi
    printf '%s  "%s": "%s"' "$comma" "$name" "$said" >> "$made/versions.json"
    comma=",
"
  done < "$made/.tools"
  printf '\n}\n' >> "$made/versions.json"
  rm -f "$made"/.[!.]*
  # A power cut must not leave a whole folder of empty files.
  sync -f "$made"
  mv "$made" "$folder"
fi
echo "$folder"
