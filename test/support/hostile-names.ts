import fc from 'fast-check';
import type { Mapping } from '../../core/mapping/record.ts';
import { digestOf } from '../../core/oci/digest.ts';
import { formatFamiliar, formatReference, isTag, parseReference } from '../../core/oci/reference.ts';
import { mapped } from './mapped.ts';

/** Registries with everything that their grammar allows. */
const registries = fc.constantFrom(
  'docker.io',
  'docker.io',
  'ghcr.io',
  'ghcr.io:443',
  'GHCR.io',
  'localhost',
  '127.0.0.1:5000',
  '[2001:db8::1]:5000',
  'xn--nxasmq6b.example',
);
const word = fc.stringMatching(/^[a-z0-9]{1,4}$/);
const separator = fc.constantFrom('.', '_', '__', '-', '---');
const component = fc
  .array(fc.tuple(separator, word), { maxLength: 2 })
  .chain((more) => word.map((first) => first + more.flat().join('')));
const repositories = fc.oneof(
  fc.constantFrom('library/nginx', 'acme/nginx', 'nginx', 'localhost/app', 'a.b/app', 'acme/app.0123456789'),
  fc.array(component, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/')),
);
const tags = fc.oneof(
  fc.constantFrom('latest', '1.27', '1.2.7', '1', '_', '1.27-alpine', 'v1_0..--'),
  fc.stringMatching(/^\w[\w.-]{0,6}$/),
);
/** A few, so that tags share digests. */
const digests = fc.nat(4).map((n) => digestOf(Buffer.from(`image ${n}`)));

const image = fc.record({
  registry: registries,
  repository: repositories,
  tag: tags,
  digest: digests,
  isTag: fc.boolean(),
});

/** Mappings with names as awkward as upstreams can choose them, each image once. */
export const mappedImages: fc.Arbitrary<Mapping[]> = fc
  .array(image, { minLength: 1, maxLength: 8 })
  .map((images) => {
    const found = new Map<string, Mapping>();
    for (const { registry, repository, tag, digest, isTag } of images) {
      const text = `${registry}/${repository}${isTag ? `:${tag}` : `@${digest}`}`;
      const { image: name, ...mapping } = mapped(text, isTag ? { digest } : {});
      found.set(name, { image: name, ...mapping });
    }
    return [...found.values()];
  });

/** A mapped image as people write it, and references that look like it but are others. */
export function spellingsOf(image: string, digest: string, number: number): string[] {
  const ref = parseReference(image);
  const full = formatReference(ref);
  const { tag = '1' } = ref;
  const name = `${ref.registry}/${ref.repository}`;
  const other = digestOf(Buffer.from(`other ${number}`));
  const near = [`${tag}x`, `x${tag}`, tag.replaceAll('.', '-'), tag.slice(1)].filter(isTag);
  return [
    full,
    formatFamiliar(ref),
    full.replace(/^docker\.io\//, 'index.docker.io/'),
    full.replace(/^docker\.io\/library\//, 'docker.io/'),
    full.replace(/^docker\.io\/library\//, 'library/'),
    name,
    `${name}@${digest}`,
    `${name}:${tag}@${digest}`,
    `${name}:${tag}@${other}`,
    `${name}x:${tag}`,
    `${name}/x:${tag}`,
    `x.example/${ref.repository}:${tag}`,
    ...near.map((each) => `${name}:${each}`),
  ];
}
