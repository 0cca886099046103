/** Every value of `webhook.source`; each is a source in `core/webhooks/sources/index.ts`. */
export const sourceNames = [
  'dockerhub',
  'github',
  'quay',
  'harbor',
  'distribution',
  'gitlab',
  'acr',
  'gar',
  'artifactory',
  'nexus',
  'gitea',
  'forgejo',
  'ecr',
  'zot',
  'cdevents',
  'generic',
] as const;

/** The name of a source. */
export type SourceName = (typeof sourceNames)[number];
