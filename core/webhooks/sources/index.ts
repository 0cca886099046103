import type { WebhookSource } from '../source.ts';
import { acr } from './acr.ts';
import { distribution } from './distribution.ts';
import { dockerhub } from './dockerhub.ts';
import { github } from './github.ts';
import { gitlab } from './gitlab.ts';
import { harbor } from './harbor.ts';
import { quay } from './quay.ts';

/** The senders that this version understands. Each checks its own options, so they are one type here. */
export const sources: readonly WebhookSource[] = [dockerhub, github, distribution, gitlab, quay, harbor, acr];

/** The source of that name, or undefined. */
export function findSource(name: string): WebhookSource | undefined {
  return sources.find((source) => source.name === name);
}

/** The values of `webhook.source` that this version takes. */
export function supportedSources(): string[] {
  return sources.map(({ name }) => name);
}
