import { describe, expect, it } from 'vitest';
import { receiveWebhook } from '../../../core/webhooks/receive.ts';
import { configOf, withUpstream } from '../config/config-text.ts';
import { read, requests, secrets } from './deliver.ts';
import { fixture } from './fixture.ts';

const push = (changes: Record<string, unknown> = {}) => requests.hub(fixture('dockerhub-push', changes));

describe('Docker Hub', () => {
  it('makes an image of repo_name and tag', async () => {
    expect(await read(push())).toEqual({ images: ['docker.io/acme/api:2.4.1'], ignored: [] });
  });

  it('puts library/ before an official name', async () => {
    expect((await read(push({ 'repository.repo_name': 'nginx' }))).images).toEqual([
      'docker.io/library/nginx:2.4.1',
    ]);
  });

  it('needs nothing but repo_name and tag, whatever else is there', async () => {
    const body = { push_data: { tag: '1' }, repository: { repo_name: 'acme/api', status: 7 }, extra: [null] };
    expect((await read(requests.hub(body))).images).toEqual(['docker.io/acme/api:1']);
  });

  it.each([
    ['missing', undefined],
    ['null', null],
    ['empty', ''],
  ])('ignores a push whose tag is %s', async (_name, tag) => {
    expect(await read(push({ 'push_data.tag': tag }))).toEqual({
      images: [],
      ignored: [{ reason: 'no_tag: push_data.tag is missing or empty' }],
    });
  });

  it.each<[changes: Record<string, unknown>, reason: string]>([
    [{ push_data: undefined }, 'malformed: push_data must be an object, found nothing'],
    [{ push_data: 'x' }, 'malformed: push_data must be an object, found a string'],
    [{ 'push_data.tag': 1.27 }, 'malformed: push_data.tag must be a string, found a number'],
    [{ 'push_data.tag': 'a b' }, 'malformed: push_data.tag is not a tag: "a b"'],
    [{ repository: null }, 'malformed: repository must be an object, found null'],
    [
      { 'repository.repo_name': undefined },
      'malformed: repository.repo_name must be a string, found nothing',
    ],
    [{ 'repository.repo_name': ['a'] }, 'malformed: repository.repo_name must be a string, found an array'],
    [{ 'repository.repo_name': '' }, 'malformed: repository.repo_name names no repository: "library/"'],
    [
      { 'repository.repo_name': '../../etc' },
      'malformed: repository.repo_name names no repository: "../../etc"',
    ],
    [
      { 'repository.repo_name': 'ghcr.io@acme/api' },
      'malformed: repository.repo_name names no repository: "ghcr.io@acme/api"',
    ],
  ])('ignores %j as malformed', async (changes, reason) => {
    expect(await read(push(changes))).toEqual({ images: [], ignored: [{ reason }] });
  });

  it.each([[[]], ['"text"'], ['null'], ['7']])('ignores the body %j as malformed', async (body) => {
    const { ignored } = await read(requests.hub(body));
    expect(ignored).toEqual([
      { reason: expect.stringMatching(/^malformed: body must be an object, found /) },
    ]);
  });

  it('ignores what no rule names, and tags that a rule leaves out', async () => {
    expect(await read(push({ 'repository.repo_name': 'evil/api' }))).toEqual({
      images: [],
      ignored: [
        {
          image: 'docker.io/evil/api:2.4.1',
          reason: 'not_configured: no rule of docker.io matches evil/api',
        },
      ],
    });
    expect((await read(push({ 'push_data.tag': '1-dev' }))).ignored).toEqual([
      { image: 'docker.io/acme/api:1-dev', reason: expect.stringMatching(/^not_configured: .*\*-dev/) },
    ]);
  });

  it('speaks for another registry that it stands under, where names are taken as they are', async () => {
    const config = configOf(
      withUpstream(
        '  - registry: 127.0.0.1:5000',
        '    webhook: { source: dockerhub, name: hub }',
        '    repositories: [{ match: "**" }]',
      ),
    );
    const result = await receiveWebhook(push({ 'repository.repo_name': 'api' }), { config, secrets });
    expect(result).toMatchObject({
      events: [{ image: { registry: '127.0.0.1:5000', repository: 'api', tag: '2.4.1' } }],
    });
  });
});
