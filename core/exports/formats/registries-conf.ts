import type { ExportFormat } from '../export.ts';
import { commentOf, tomlText } from '../quote.ts';
import { hostOf, isPlainHttp, type MirroredRepository, repositoriesOf } from '../repositories.ts';

const head = commentOf(`
Mirrors for CRI-O, Podman, Buildah and skopeo. Made by: drayage export registries-conf

How to use it: store it as /etc/containers/registries.conf.d/50-drayage.conf on each node (Podman without root reads
$HOME/.config/containers/registries.conf.d). Make CRI-O read it: systemctl reload crio. Export it again when repositories
are added. New and moved tags need nothing.
https://github.com/containers/image/blob/main/docs/containers-registries.conf.5.md

What it does: references keep their names, and images of these repositories are pulled from the mirror. If the mirror
doesn't have an image, or can't be reached, it comes from the upstream. Short names (nginx) are found if docker.io is among
unqualified-search-registries.

What it can't do:
- It works by repository, never by tag. A tag is pulled as it stands in the mirror at that moment: usually just behind
  the upstream's, or older if it is pinned or was rolled back. If only digests should come
  from the mirror, add to each repository: mirror-by-digest-only = true
- Containers show the upstream's name, and nothing shows from which registry an image came.

Logins: images keep the upstream's name, so the kubelet's credential provider is not asked for the mirror. The mirror's login
has to be where these programs look. Amazon ECR's lasts twelve hours:
  aws ecr get-login-password | podman login --username AWS --password-stdin MIRROR
Or install docker-credential-ecr-login, and write at the beginning of /etc/containers/registries.conf:
  credential-helpers = ["containers-auth.json", "ecr-login"]`);

/** `registries.conf`, version 2, by repository. */
export const registriesConf: ExportFormat = {
  name: 'registries-conf',
  contentType: 'application/toml',
  async *render(mappings) {
    yield head;
    const repositories = await repositoriesOf(mappings);
    if (repositories.length === 0) yield '\n# Nothing is mirrored yet.\n';
    for (const repository of repositories) yield `\n${tableOf(repository)}`;
  },
};

function tableOf({ registry, repository, mirrors }: MirroredRepository): string {
  const name = tomlText(`${registry}/${repository}`);
  const lines = ['[[registry]]', `prefix = ${name}`, `location = ${name}`];
  for (const mirror of mirrors) {
    lines.push('[[registry.mirror]]', `location = ${tomlText(mirror)}`);
    if (isPlainHttp(hostOf(mirror))) lines.push('insecure = true');
  }
  return `${lines.join('\n')}\n`;
}
