#!/usr/bin/env bash
# Builds the programs of a Kubernetes cluster on one machine from their Go modules, without root and
# without a container engine: test/consumers/cluster/build-programs.sh FOLDER
# Takes about half an hour on two cores; what is there already is kept.
set -euo pipefail
bin=${1:?the folder for the programs}
mkdir -p "$bin"
bin=$(cd "$bin" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The folder of a module's source.
source_of() { go mod download -json "$1" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p'; }

# A module of our own that imports one main package, so that the wanted versions are chosen.
build() {
  local name=$1 package=$2
  shift 2
  [ -x "$bin/$name" ] && return
  echo "building $name" >&2
  GOFLAGS=-mod=mod go build -ldflags '-s -w' "$@" -o "$bin/$name" "$package"
}

kubernetes() {
  local version=$1 suffix=$2 program
  shift 2
  local missing=()
  for program in "$@"; do [ -x "$bin/$program$suffix" ] || missing+=("$program"); done
  [ ${#missing[@]} -eq 0 ] && return
  local folder="$work/kubernetes-$version" staging
  staging=$(source_of "k8s.io/kubernetes@v$version")
  mkdir -p "$folder"
  {
    printf 'module example/kubernetes\n\ngo 1.26\n\nrequire k8s.io/kubernetes v%s\n\n' "$version"
    # Kubernetes' own go.mod replaces these by folders; each is published as v0.MINOR.PATCH.
    sed -n "s#^\s*\(k8s.io/[a-z0-9-]*\) => ./staging/.*#replace \1 => \1 v0.${version#1.}#p" "$staging/go.mod"
  } >"$folder/go.mod"
  {
    printf 'package programs\n\nimport (\n'
    for program in "${missing[@]}"; do printf '\t_ "k8s.io/kubernetes/cmd/%s/app"\n' "$program"; done
    printf ')\n'
  } >"$folder/programs.go"
  (
    cd "$folder"
    go mod tidy >/dev/null
    # Programs print the version that is linked in; the kubelet registers its node with it.
    local info="k8s.io/component-base/version"
    for program in "${missing[@]}"; do
      build "$program$suffix" "k8s.io/kubernetes/cmd/$program" \
        -ldflags "-s -w -X $info.gitVersion=v$version -X $info.gitMajor=1 -X $info.gitMinor=$(echo "$version" | cut -d. -f2)"
    done
  )
}

etcd() {
  [ -x "$bin/etcd" ] && return
  mkdir -p "$work/etcd" && cd "$work/etcd"
  printf 'module example/etcd\n\ngo 1.26\n\nrequire go.etcd.io/etcd/server/v3 v3.7.3\n' >go.mod
  printf 'package programs\n\nimport _ "go.etcd.io/etcd/server/v3/etcdmain"\n' >programs.go
  go mod tidy >/dev/null
  build etcd go.etcd.io/etcd/server/v3
}

containerd() {
  [ -x "$bin/ctr" ] && return
  mkdir -p "$work/containerd" && cd "$work/containerd"
  printf 'module example/containerd\n\ngo 1.26\n\nrequire github.com/containerd/containerd/v2 v2.4.2\n' >go.mod
  printf 'package programs\n\nimport (\n\t_ "github.com/containerd/containerd/v2/cmd/containerd/command"\n\t_ "github.com/containerd/containerd/v2/cmd/containerd/builtins"\n\t_ "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2/manager"\n\t_ "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2/task/plugin"\n\t_ "github.com/containerd/containerd/v2/cmd/ctr/app"\n)\n' >programs.go
  go mod tidy >/dev/null
  for program in containerd containerd-shim-runc-v2 ctr; do
    build "$program" "github.com/containerd/containerd/v2/cmd/$program" -tags 'no_btrfs no_zfs'
  done
}

(etcd)
(kubernetes 1.37.2 -1.37 kube-apiserver)
(kubernetes 1.36.3 -1.36 kube-apiserver)
(kubernetes 1.37.2 '' kubelet kube-scheduler kube-controller-manager)
(containerd)
ls "$bin"
