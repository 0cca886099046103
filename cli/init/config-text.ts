import {
  type RuleText,
  configText as textOf,
  type UpstreamText,
  webhookValue,
} from '../../core/mirror-yaml/config-text.ts';
import type { Reference } from '../../core/oci/reference.ts';

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
  const all = [...registries.keys()];
  return textOf({
    head: [
      'What is mirrored, from where, and into which Amazon ECR registry.',
      'drayage validate checks this file; drayage local runs it on this machine; cdk deploy on AWS.',
    ],
    region,
    notes: images.length === 0 ? ['Examples: put your own registries and repositories in their place.'] : [],
    upstreams: [...registries].map(([registry, of]) => upstream(registry, of, webhookValue(registry, all))),
  });
}

function upstream(registry: string, images: Reference[], webhook: string | undefined): UpstreamText {
  return {
    registry,
    webhook:
      webhook === undefined
        ? [
            '# The source of its push webhooks: pick the matching one, see docs/webhooks.',
            '# webhook: { source: generic }',
          ]
        : [`webhook: ${webhook}    # drayage webhooks list says where to enter it`],
    rulesNotes: [
      'The first rule that matches decides. * and ? stay within a path component, ** crosses them.',
    ],
    rules: [...Map.groupBy(images, ({ repository }) => repository)].map(rule),
  };
}

function rule([match, images]: [string, Reference[]]): RuleText {
  const tags = new Set(images.map(({ tag }) => tag));
  const include = [...tags].map((tag) => JSON.stringify(tag)).join(', ');
  return {
    match,
    lines: [
      tags.has(undefined)
        ? '# tags: { include: ["1.*"], latest: 10 }    # default: all tags'
        : `tags: { include: [${include}] }`,
    ],
  };
}
