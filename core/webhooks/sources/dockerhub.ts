import { z } from 'zod';
import { ignore, imagePushed, malformed, outcomeOf } from '../outcome.ts';
import type { WebhookSource } from '../source.ts';

/** Only what makes the reference; there is no digest, event type or delivery id, and `callback_url` is never called. */
const payload = z.object({
  push_data: z.object({ tag: z.string().nullish() }),
  repository: z.object({ repo_name: z.string() }),
});

/**
 * Docker Hub. https://docs.docker.com/docker-hub/repos/manage/webhooks/
 *
 * - Authentic: by the token in the path. Docker Hub neither signs nor sends headers of one's own.
 * - Accepted: a push of a tag.
 * - Ignored: a push without a tag (`no_tag`).
 * - Reference: the registry is not in the payload and is the webhook's own upstream, which is `docker.io` unless the sender only
 *   writes as Docker Hub does; at `docker.io` a name without a slash is an official image and gets `library/` before it.
 */
export const dockerhub: WebhookSource<Record<string, never>> = {
  name: 'dockerhub',
  title: 'Docker Hub',
  home: 'docker.io',
  optionsSchema: z.strictObject({}),
  authentication: () => ({ kind: 'path-token' }),
  receive({ body, upstream: { registry } }) {
    const parsed = payload.safeParse(body);
    if (!parsed.success) return outcomeOf([ignore(malformed(parsed.error, body))]);
    const { tag } = parsed.data.push_data;
    if (tag === undefined || tag === null || tag === '')
      return outcomeOf([ignore('no_tag: push_data.tag is missing or empty')]);
    const name = parsed.data.repository.repo_name;
    const repository = registry === 'docker.io' && !name.includes('/') ? `library/${name}` : name;
    const paths = { repository: 'repository.repo_name', tag: 'push_data.tag' };
    return outcomeOf([imagePushed({ registry, repository, tag }, paths)]);
  },
};
