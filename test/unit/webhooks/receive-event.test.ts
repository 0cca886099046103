import { describe, expect, it } from 'vitest';
import { decide } from '../../../core/webhooks/decide.ts';
import { receiveEvent } from '../../../core/webhooks/receive-event.ts';
import { configOf } from '../mirror-yaml/config-text.ts';
import { loadCases } from './source-cases.ts';

const { accepted } = await loadCases('ecr');
const [push] = Object.values(accepted);
const event = push?.body as Record<string, unknown> & { 'detail-type': string };
const registry = (push?.images[0] ?? '').split('/')[0] ?? '';
const config = configOf(`
version: 1
mirror: { regions: [eu-west-1] }
upstreams:
  - registry: ${registry}
    webhook: { source: ecr, name: ours }
    repositories: [{ match: "**" }]
  - registry: 999988887777.dkr.ecr.eu-west-1.amazonaws.com
    webhook: { source: ecr, name: theirs }
    repositories: [{ match: "**" }]
  - registry: docker.io
    webhook: { source: dockerhub }
    repositories: [{ match: "acme/*" }]
`);

describe('an event of EventBridge', () => {
  it('is for the webhook of its own registry alone', () => {
    const received = receiveEvent(event, { config });
    expect(received.map(({ webhook }) => webhook)).toEqual(['ours', 'theirs']);
    expect(received[0]?.result).toMatchObject({
      kind: 'events',
      events: [{ image: { registry } }],
      ignored: [],
    });
    expect(received[1]?.result).toMatchObject({ kind: 'events', events: [] });
  });

  it.each([
    ['its endpoint', 'ecr.internal', `endpoint: https://${registry}`],
    [
      'its dual-stack name',
      registry.replace('.dkr.ecr.', '.dkr-ecr.').replace('amazonaws.com', 'on.aws'),
      '',
    ],
  ])('is the mirror’s own if the upstream is the mirror by %s', (_, name, endpoint) => {
    const outcome = {
      kind: 'events',
      events: [{ image: { registry: name, repository: 'mirror/docker.io/app', tag: '1' } }],
      deletions: [],
      ignored: [],
    } as const;
    const account = registry.slice(0, 12);
    const upstream = `{ registry: ${name}, ${endpoint ? `${endpoint}, ` : ''}repositories: [{ match: "**" }] }`;
    const mirror = configOf(`{ version: 1, mirror: { regions: [eu-west-1] }, upstreams: [${upstream}] }`);
    expect(
      decide({ ...outcome, events: [...outcome.events], deletions: [], ignored: [] }, name, {
        config: mirror,
        account,
      }),
    ).toMatchObject({
      events: [],
      ignored: [{ reason: expect.stringMatching(/^own_mirror: /) }],
    });
  });

  it('of any form is answered', () => {
    for (const detail of [undefined, null, 7, [], { 'action-type': {} }])
      for (const { result } of receiveEvent({ ...event, detail } as typeof event, { config }))
        expect(result).toMatchObject({ kind: 'events', events: [] });
  });
});
