import type { WebhookSource } from '../source.ts';
import { distribution } from './distribution.ts';
import { dockerhub } from './dockerhub.ts';
import { github } from './github.ts';

/** The senders that this version understands. Each checks its own options, so they are one type here. */
export const sources: readonly WebhookSource[] = [dockerhub, github, distribution];

/** The source of that name, or undefined. */
export function findSource(name: string): WebhookSource | undefined {
  return sources.find((source) => source.name === name);
}

/** The values of `webhook.source` that this version takes. */
export function supportedSources(): string[] {
  return sources.map(({ name }) => name);
}
