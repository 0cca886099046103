import { formatFamiliar, formatReference } from '../../oci/reference.ts';
import type { ExportFormat } from '../export.ts';
import { loginByName } from '../logins.ts';
import { commentOf, regexOf, yamlText } from '../quote.ts';
import { byRepository, type MappedImage, type RepositoryMappings } from '../repositories.ts';

const head = commentOf(`
A component for kustomize that points images to the mirror, by digest. Made by: drayage export kustomize

How to use it: store it as kustomization.yaml in a folder beside yours (drayage/kustomization.yaml), and name it in yours:
  components: [drayage]
kustomize build, kubectl apply -k, Argo CD and Flux take it as it is. Export it again when tags have moved.

What it does: each entry is a digest in the mirror, with the tags that point to it. A name is a regular expression that fits
only these tags (https://github.com/kubernetes-sigs/kustomize/blob/master/api/image/image.go), in all spellings of Docker Hub.
A reference with a digest is looked up by its digest alone.

What it can't do:
- kustomize knows containers and initContainers, in any kind. It leaves alone ephemeral containers, image volumes, and
  references in other fields: drayage rewrite changes those, too.
- What a controller or a webhook creates in the cluster is not rewritten.
- kustomize tries each entry with each image, which takes long with thousands of entries: export what you need with
  --registry and --repository.

${loginByName}`);

/** The `images` of a kustomization, as a component. */
export const kustomize: ExportFormat = {
  name: 'kustomize',
  contentType: 'application/yaml',
  async *render(mappings) {
    yield `${head}apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n`;
    let isEmpty = true;
    for await (const repository of byRepository(mappings)) {
      if (isEmpty) yield 'images:\n';
      isEmpty = false;
      yield entriesOf(repository);
    }
    if (isEmpty) yield 'images: [] # nothing is mirrored yet\n';
  },
};

function entriesOf({ registry, repository, images }: RepositoryMappings): string {
  const names = namesOf(registry, repository);
  const byPinned = new Map<string, MappedImage[]>();
  for (const image of images) {
    const pinned = `${image.mirror}@${image.digest}`;
    byPinned.set(pinned, [...(byPinned.get(pinned) ?? []), image]);
  }
  return [...byPinned.values()].map((same) => entryOf(names, same)).join('');
}

/** One entry for all that is the same image in the mirror. */
function entryOf(names: string, images: MappedImage[]): string {
  const [first] = images;
  if (first === undefined) return '';
  const tags = images.filter(({ isDigest }) => !isDigest).map(({ reference }) => reference);
  const suffixes = [
    ...tags.map((tag) => `:${regexOf(tag)}`),
    // The name of an untagged image is that of its tag latest.
    ...(tags.includes('latest') ? [''] : []),
    `(:[\\w.-]+)?@${first.digest}`,
  ];
  return `- name: ${yamlText(`${names}(${suffixes.join('|')})$`)}
  newName: ${yamlText(first.mirror)}
  digest: ${first.digest}
`;
}

/** Every spelling of a repository: Docker Hub's, and its official images', can be left out. */
function namesOf(registry: string, repository: string): string {
  if (registry !== 'docker.io') return regexOf(`${registry}/${repository}`);
  const hub = '(index\\.)?docker\\.io/';
  const official = /^library\/([^/]+)$/.exec(repository)?.[1];
  // Without Docker Hub's name, the first part of some paths would be a registry's.
  const isShort = formatFamiliar({ registry, repository }) !== formatReference({ registry, repository });
  const prefix = isShort ? `(${hub})?` : hub;
  return prefix + (official === undefined ? regexOf(repository) : `(library/)?${regexOf(official)}`);
}
