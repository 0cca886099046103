import type { Reference } from '../../core/oci/reference.ts';
import { ecrHostOf } from '../../core/registry/known-registries.ts';
import { sources } from '../../core/webhooks/sources/index.ts';

/** What the file mirrors by default. */
const examples: Reference[] = [
  { registry: 'docker.io', repository: 'library/nginx' },
  { registry: 'ghcr.io', repository: 'acme/**' },
];

/**
 * The text of a first mirror.yaml.
 *
 * @param images repositories, and images with a tag; an image with a digest stands for its
 *   repository
 */
export function configText(region: string, images: Reference[]): string {
  const registries = Map.groupBy(images.length > 0 ? images : examples, ({ registry }) => registry);
  const isExample = images.length === 0;
  return `# What is mirrored, from where, and into which Amazon ECR registry.
# drayage validate checks this file; drayage local runs it on this machine; cdk deploy on AWS.
version: 1

mirror:
  # Images arrive in the ECR registry of this region, as <registry>/mirror/docker.io/library/nginx.
  regions: [${region}]
  repositoryPrefix: mirror

upstreams:
${isExample ? '  # Examples: put your own registries and repositories in their place.\n' : ''}${[
  ...registries,
]
  .map(([registry, repositories]) =>
    upstreamText(registry, repositories, webhookOf(registry, [...registries.keys()])),
  )
  .join('\n')}`;
}

function upstreamText(registry: string, images: Reference[], wanted: string | undefined): string {
  const webhook =
    wanted === undefined
      ? `    # The source of its push webhooks: pick the matching one, see docs/webhooks.
    # webhook: { source: generic }\n`
      : `    webhook: ${wanted}    # drayage webhooks list says where to enter it\n`;
  const repositories = Map.groupBy(images, ({ repository }) => repository);
  const rules = [...repositories].map(([repository, same]) => {
    const tags = new Set(same.map(({ tag }) => tag));
    const include = tags.has(undefined) ? [] : [...tags].map((tag) => JSON.stringify(tag));
    return include.length === 0
      ? `      - match: "${repository}"
        # tags: { include: ["1.*"], latest: 10 }    # default: all tags\n`
      : `      - match: "${repository}"
        tags: { include: [${include.join(', ')}] }\n`;
  });
  // An opening bracket begins a list.
  const written = registry.startsWith('[') ? `"${registry}"` : registry;
  return `  - registry: ${written}
    # credentials: { secret: drayage/${registry.replaceAll(/[[\]:]+/g, '-').replace(/^-+/, '')} }    # {username, password} in Secrets Manager; default: anonymous
${webhook}    repositories:
      # The first rule that matches decides. * and ? stay within a path component, ** crosses them.
${rules.join('')}`;
}

/**
 * The value of `webhook`: if several registries use the same source, each webhook gets its own
 * name.
 */
function webhookOf(registry: string, all: string[]): string | undefined {
  const source = sourceOf(registry);
  if (source === undefined) return undefined;
  const isShared = all.filter((other) => sourceOf(other) === source).length > 1;
  const name = `${source}-${registry.split('.')[0]?.toLowerCase()}`;
  return isShared ? `{ source: ${source}, name: ${name} }` : `{ source: ${source} }`;
}

/** The source for a registry, or for its kind of host. */
function sourceOf(registry: string): string | undefined {
  const home = sources.find((source) => source.home === registry);
  if (home) return home.name;
  if (ecrHostOf(registry)) return 'ecr';
  return registry.endsWith('.azurecr.io') ? 'acr' : undefined;
}
