import * as z from 'zod';
import type { WebhookSource } from '../source.ts';
import { ignore, imagePushed, malformed, outcomeOf } from './shared/outcome.ts';

/**
 * Only the fields of the reference. Payloads have no digest, event type or delivery id, and
 * `callback_url` is never called.
 */
const payload = z.object({
  push_data: z.object({ tag: z.string().nullish() }),
  repository: z.preprocess(aliyunName, z.object({ repo_name: z.string() })),
});

/**
 * Alibaba Cloud's registry sends the same payload, with the name under `repo_full_name`.
 * https://www.alibabacloud.com/help/en/acr/user-guide/manage-webhooks
 */
function aliyunName(repository: unknown): unknown {
  if (typeof repository !== 'object' || repository === null || 'repo_name' in repository) return repository;
  return 'repo_full_name' in repository
    ? { ...repository, repo_name: repository.repo_full_name }
    : repository;
}

/** Docker Hub. Other registries whose payloads have the same form may use this source, too. */
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
    if (!tag) return outcomeOf([ignore('no_tag: push_data.tag is missing or empty')]);
    const name = parsed.data.repository.repo_name;
    const repository = registry === 'docker.io' && !name.includes('/') ? `library/${name}` : name;
    const paths = { repository: 'repository.repo_name', tag: 'push_data.tag' };
    return outcomeOf([imagePushed({ registry, repository, tag }, paths)]);
  },
  sample: ({ repository, tag }) => ({ body: { push_data: { tag }, repository: { repo_name: repository } } }),
  guide: {
    where: 'repository → Webhooks',
    steps: [
      'Open the repository at <https://hub.docker.com>, then *Webhooks*. Webhooks belong to one repository; repeat this for each.',
      'Enter a name, such as `{name}`, and the URL `{url}`. Its last part is the secret: anyone who has it can trigger jobs.',
      'Choose *Create*. Docker Hub sends nothing before the next push.',
    ],
    accepted: 'a push of a tag',
    ignored: { no_tag: 'the push has no tag' },
    reference:
      'the upstream’s registry and `repository.repo_name` (Alibaba Cloud: `repo_full_name`); at `docker.io`, a name without a slash gets the prefix `library/`',
    notes: [
      'Docker Hub can neither sign nor send custom headers, so the secret is part of the URL.',
      'Official images (`library/…`) have webhooks only for their maintainers: request them (`POST /v1/mirrors`).',
    ],
    documentation: 'https://docs.docker.com/docker-hub/repos/manage/webhooks/',
  },
};
