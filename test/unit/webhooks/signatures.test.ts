import { describe, expect, it } from 'vitest';
import { receiveWebhook } from '../../../core/webhooks/receive.ts';
import { configOf } from '../mirror-yaml/config-text.ts';
import { receive, requests, secrets } from './deliver.ts';
import { fixture } from './fixture.ts';

const hex = '0123456789abcdef'.repeat(4);
const hub = (tag: string, more: Record<string, unknown> = {}) =>
  requests.hub(
    fixture('dockerhub-push', { 'push_data.tag': tag, 'repository.repo_name': 'acme/api', ...more }),
  );
const subject = { registry: 'docker.io', repository: 'acme/api', digest: `sha256:${hex}` };

describe('a webhook that names a signature', () => {
  it.each(['', '.sig', '.att', '.sbom'])(
    'is an event of the image that it belongs to: sha256-<hex>%s',
    async (suffix) => {
      expect(await receive(hub(`sha256-${hex}${suffix}`))).toEqual({
        kind: 'events',
        status: 202,
        events: [],
        deletions: [],
        signatures: [subject],
        ignored: [],
      });
    },
  );

  it.each([`sha256-${hex}.other`, `sha256-${hex.slice(1)}.sig`, `sha512-${hex}`])(
    'is one only if the tag has the right form: %s',
    async (tag) => {
      expect(await receive(hub(tag))).toMatchObject({ events: [{ image: { tag } }], signatures: [] });
    },
  );

  it('is ignored if no rule names the repository, or if another registry sends it', async () => {
    const tag = `sha256-${hex}.sig`;
    expect(await receive(hub(tag, { 'repository.repo_name': 'other/api' }))).toMatchObject({
      events: [],
      signatures: [],
      ignored: [
        {
          image: `docker.io/other/api:${tag}`,
          reason: 'not_configured: no rule of docker.io matches other/api',
        },
      ],
    });
  });

  it('is ignored if the rule leaves signatures upstream', async () => {
    const config = configOf(`
version: 1
mirror: { regions: [eu-west-1] }
upstreams:
  - registry: docker.io
    webhook: { source: dockerhub, name: hub }
    repositories: [{ match: "acme/*", referrers: false }]
`);
    expect(await receiveWebhook(hub(`sha256-${hex}.sig`), { config, secrets })).toMatchObject({
      events: [],
      signatures: [],
      ignored: [
        { reason: 'signature: the rule acme/* has referrers: false, so signatures are not mirrored' },
      ],
    });
  });

  it('counts if the rule verifies images, although it leaves signatures upstream', async () => {
    const config = configOf(`
version: 1
mirror: { regions: [eu-west-1] }
upstreams:
  - registry: docker.io
    webhook: { source: dockerhub, name: hub }
    repositories: [{ match: "acme/*", referrers: false, verify: { cosign: { key: "awskms:///alias/k" } } }]
`);
    expect(await receiveWebhook(hub(`sha256-${hex}.sig`), { config, secrets })).toMatchObject({
      signatures: [subject],
      ignored: [],
    });
  });

  it('is one event for all that belongs to an image, beside those of images', async () => {
    const [event] = (fixture('distribution-push') as { events: Record<string, unknown>[] }).events;
    const tags = [`sha256-${hex}.sig`, '1.0', `sha256-${hex}.att`, `sha256-${hex}`];
    const events = tags.map((tag) => {
      const target = { ...(event?.target as object), tag };
      return { ...event, target };
    });
    const result = await receive(requests.registry({ events }));
    expect(result).toMatchObject({
      events: [{ image: { tag: '1.0' } }],
      signatures: [{ digest: `sha256:${hex}` }],
      ignored: [],
    });
  });
});
