import type { WebhookSource } from '../source.ts';
import { artifactory } from './artifactory.ts';
import { cdevents } from './cdevents.ts';
import { acr } from './cloud/acr.ts';
import { ecr } from './cloud/ecr.ts';
import { gar } from './cloud/gar.ts';
import { distribution } from './distribution.ts';
import { dockerhub } from './dockerhub.ts';
import { forgejo } from './forgejo.ts';
import { generic } from './generic.ts';
import { gitea } from './gitea.ts';
import { github } from './github.ts';
import { gitlab } from './gitlab.ts';
import { harbor } from './harbor.ts';
import { nexus } from './nexus.ts';
import { quay } from './quay.ts';
import { zot } from './zot.ts';

/**
 * All sources, in the order in which they are listed. Each checks its own options, so here they
 * have the same type.
 */
export const sources: readonly WebhookSource[] = [
  dockerhub,
  github,
  quay,
  harbor,
  distribution,
  gitlab,
  acr,
  gar,
  artifactory,
  nexus,
  gitea,
  forgejo,
  ecr,
  zot,
  cdevents,
  generic,
];

/** The values of `webhook.source`. */
export const sourceNames: readonly string[] = sources.map(({ name }) => name);

/** The source of that name, or undefined. */
export function findSource(name: string): WebhookSource | undefined {
  return sources.find((source) => source.name === name);
}
