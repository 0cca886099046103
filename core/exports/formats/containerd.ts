import type { ExportFormat } from '../export.ts';
import { hostsTomlMark, hostsTomlOf, registryHostsOf, unreachableComment } from '../hosts-toml.ts';
import { commentOf, shellWord } from '../quote.ts';
import { repositoriesOf } from '../repositories.ts';

const about = commentOf(`
Mirrors for containerd, 1.5 and newer: writes certs.d/REGISTRY/hosts.toml. Made by: drayage export containerd

How to use it: run it on each node, as root:  sh FILE [FOLDER]   The folder is /etc/containerd/certs.d by default. containerd
reads it at each pull, if its configuration says so (EKS: it does):
  version = 3:  [plugins."io.containerd.cri.v1.images".registry]      config_path = "/etc/containerd/certs.d"
  version = 2:  [plugins."io.containerd.grpc.v1.cri".registry]        config_path = "/etc/containerd/certs.d"
Run it again when registries are added; new repositories and tags need nothing. Files from other sources stay as they are.
drayage export containerd --output-dir FOLDER writes the same files without a script.
https://github.com/containerd/containerd/blob/main/docs/hosts.md

What it does: references keep their names, and images are pulled from the mirror. If the mirror doesn't have an image, or
can't be reached, it comes from the upstream.

What it can't do:
- It works by registry: for every image from one of these registries, containerd tries the mirror first.
- A tag is pulled as it stands in the mirror at that moment: usually just behind the upstream's, or older if it is
  pinned or was rolled back.
- Repositories that the mirror has under another name come from the upstream; they are listed below, if there are any.

Logins: images keep the upstream's name, so the kubelet's credential provider is not asked for the mirror. Give this script the
mirror's password, and it writes it into the files, which only root can then read. Amazon ECR's lasts twelve hours, so let
a timer run this every six hours:
  DRAYAGE_MIRROR_PASSWORD=$(aws ecr get-login-password) sh FILE`);

const program = `set -eu
folder=\${1:-/etc/containerd/certs.d}
# A name that begins with a dash would be an option.
case $folder in -*) folder=./$folder ;; esac
login=
if [ -n "\${DRAYAGE_MIRROR_PASSWORD:-}" ]; then
  login=$(printf 'AWS:%s' "$DRAYAGE_MIRROR_PASSWORD" | base64 | tr -d '\\n')
  umask 077
else
  umask 022
fi
failed=0

# Takes a registry, the mirror's addresses for it, and the text of its file on standard input.
write() {
  file="$folder/$1/hosts.toml"
  if [ -e "$file" ] && ! head -n 1 "$file" | grep -qxF ${shellWord(hostsTomlMark)}; then
    echo "$file was not written by drayage and stays as it is" >&2
    failed=1
    cat >/dev/null
    return
  fi
  mkdir -p "$folder/$1"
  shift
  # One that was left behind may be readable for all.
  rm -f "$file.drayage"
  {
    cat
    if [ -n "$login" ]; then
      for address in "$@"; do
        printf '\\n[host."%s".header]\\n  Authorization = ["Basic %s"]\\n' "$address" "$login"
      done
    fi
  } >"$file.drayage"
  mv "$file.drayage" "$file"
}
`;

/** A shell script that writes `hosts.toml` of every registry. */
export const containerd: ExportFormat = {
  name: 'containerd',
  contentType: 'application/x-sh',
  async *render(mappings) {
    const hosts = registryHostsOf(await repositoriesOf(mappings));
    yield `#!/bin/sh\n${about}`;
    yield unreachableComment(hosts.flatMap(({ unreachable }) => unreachable));
    yield `\n${program}`;
    for (const each of hosts) {
      if (each.addresses.length === 0) continue;
      const words = [each.registry, ...each.addresses].map(shellWord).join(' ');
      yield `\nwrite ${words} <<'END_OF_HOSTS_TOML'\n${hostsTomlOf(each)}END_OF_HOSTS_TOML\n`;
    }
    if (hosts.length === 0) yield '\n# Nothing is mirrored yet.\n';
    yield '\nexit "$failed"\n';
  },
  async files(mappings) {
    const hosts = registryHostsOf(await repositoriesOf(mappings));
    return hosts
      .filter(({ addresses }) => addresses.length > 0)
      .map((each) => ({ path: `${each.registry}/hosts.toml`, text: hostsTomlOf(each), mark: hostsTomlMark }));
  },
};
