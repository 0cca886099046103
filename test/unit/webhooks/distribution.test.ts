import { describe, expect, it } from 'vitest';
import { mediaTypes } from '../../../core/oci/media-types.ts';
import { read, requests } from './deliver.ts';
import { fixture } from './fixture.ts';

const push = (changes: Record<string, unknown> = {}) =>
  requests.registry(fixture('distribution-push', changes));
const image = 'registry.example:5000/team/web:1.0';

describe('Distribution', () => {
  it.each([
    mediaTypes.ociManifest,
    mediaTypes.ociIndex,
    mediaTypes.dockerManifest,
    mediaTypes.dockerManifestList,
  ])('makes an image of a push of %s', async (mediaType) => {
    expect(await read(push({ 'events.0.target.mediaType': mediaType }))).toEqual({
      images: [image],
      ignored: [],
    });
  });

  it('looks at each event of an envelope by itself', async () => {
    expect(await read(requests.registry(fixture('distribution-envelope')))).toEqual({
      images: ['registry.example:5000/team/web:1.1', 'registry.example:5000/team/api:2.0'],
      ignored: [
        { reason: 'not_an_image: events[0].target.mediaType is "application/octet-stream"' },
        { reason: 'not_a_push: events[1].action is "mount"' },
        { reason: 'no_tag: events[2].target.tag is missing or empty' },
        { reason: 'not_a_push: events[4].action is "pull"' },
        { reason: 'not_a_push: events[5].action is "delete"' },
      ],
    });
  });

  it('is not spoilt by one event of a wrong form', async () => {
    const [good] = (fixture('distribution-push') as { events: unknown[] }).events;
    const events = [null, 7, { action: 'push' }, { action: 'push', target: [] }, good, 'x'];
    expect(await read(requests.registry({ events }))).toEqual({
      images: [image],
      ignored: [
        { reason: 'malformed: events[0] must be an object, found null' },
        { reason: 'malformed: events[1] must be an object, found a number' },
        { reason: 'malformed: events[2].target must be an object, found nothing' },
        { reason: 'malformed: events[3].target must be an object, found an array' },
        { reason: 'malformed: events[5] must be an object, found a string' },
      ],
    });
  });

  it('collapses one image that is told of several times', async () => {
    const [event] = (fixture('distribution-push') as { events: unknown[] }).events;
    expect(await read(requests.registry({ events: [event, event, event] }))).toEqual({
      images: [image],
      ignored: [],
    });
  });

  it('has nothing to say about an empty envelope', async () => {
    expect(await read(requests.registry({ events: [] }))).toEqual({ images: [], ignored: [] });
  });

  it.each(['registry.example:5000', 'REGISTRY.EXAMPLE:5000', '10.0.0.5:5000', 'push.example'])(
    'knows the upstream by the host %s',
    async (host) => {
      expect((await read(push({ 'events.0.request.host': host }))).images).toEqual([image]);
    },
  );

  it.each(['registry.example', 'registry.example:5001', 'evil.example', '', 'push.example:80'])(
    'ignores events of the host %j',
    async (host) => {
      expect(await read(push({ 'events.0.request.host': host }))).toEqual({
        images: [],
        ignored: [
          {
            reason: `other_registry: events[0].request.host is ${JSON.stringify(host)}, and the webhook’s upstream is registry.example:5000; see webhook.options.host`,
          },
        ],
      });
    },
  );

  it.each<[changes: Record<string, unknown>, reason: string]>([
    [{ events: undefined }, 'malformed: events must be an array, found nothing'],
    [{ events: {} }, 'malformed: events must be an array, found an object'],
    [{ 'events.0.action': undefined }, 'malformed: events[0].action must be a string, found nothing'],
    [{ 'events.0.target': undefined }, 'malformed: events[0].target must be an object, found nothing'],
    [
      { 'events.0.target.mediaType': undefined },
      'malformed: events[0].target.mediaType must be a string, found nothing',
    ],
    [{ 'events.0.target.tag': 1 }, 'malformed: events[0].target.tag must be a string, found a number'],
    [{ 'events.0.target.tag': '' }, 'no_tag: events[0].target.tag is missing or empty'],
    [{ 'events.0.target.tag': '.x' }, 'malformed: events[0].target.tag is not a tag: ".x"'],
    [
      { 'events.0.target.repository': undefined },
      'malformed: events[0].target.repository must be a string, found nothing',
    ],
    [
      { 'events.0.target.repository': 'Team/Web' },
      'malformed: events[0].target.repository names no repository: "Team/Web"',
    ],
    [{ 'events.0.request': undefined }, 'malformed: events[0].request must be an object, found nothing'],
    [{ 'events.0.request.host': null }, 'malformed: events[0].request.host must be a string, found null'],
    [
      { 'events.0.target.mediaType': mediaTypes.dockerSchema1Signed },
      `not_an_image: events[0].target.mediaType is "${mediaTypes.dockerSchema1Signed}"`,
    ],
  ])('ignores %j', async (changes, reason) => {
    expect(await read(push(changes))).toEqual({ images: [], ignored: [{ reason }] });
  });

  it('needs no more than action, media type, tag, repository and host', async () => {
    const event = {
      action: 'push',
      target: { mediaType: mediaTypes.ociManifest, tag: '1.0', repository: 'team/web' },
      request: { host: 'registry.example:5000' },
    };
    expect((await read(requests.registry({ events: [event] }))).images).toEqual([image]);
  });

  it('answers in bounds, however many events there are', async () => {
    const { images, ignored } = await read(requests.registry({ events: Array(20_000).fill(0) }));
    expect(images).toEqual([]);
    expect(ignored).toHaveLength(1001);
    expect(ignored.at(-1)).toEqual({ reason: 'truncated: 9001 more were ignored' });
  });
});
