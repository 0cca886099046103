import { describe, expect, it } from 'vitest';
import { read, receive, requests } from './deliver.ts';
import { fixture } from './fixture.ts';

const tagPath = 'package.package_version.container_metadata.tag';
const push = (changes: Record<string, unknown> = {}, headers: Record<string, string> = {}) =>
  requests.github(fixture('github-package', changes), headers);

/** The same as GitHub Apps get it: under another name. */
function registryPackage(changes: Record<string, unknown> = {}) {
  const { package: pushed, ...rest } = fixture('github-package', changes) as Record<string, unknown>;
  return requests.github({ ...rest, registry_package: pushed }, { 'x-github-event': 'registry_package' });
}

describe('GitHub', () => {
  it.each(['published', 'updated', 'create'])('makes an image of a package that is %s', async (action) => {
    expect(await read(push({ action }))).toEqual({ images: ['ghcr.io/acme/svc/api:1.2.0'], ignored: [] });
  });

  it('reads the event of GitHub Apps', async () => {
    expect(await read(registryPackage())).toEqual({ images: ['ghcr.io/acme/svc/api:1.2.0'], ignored: [] });
  });

  it.each(['container', 'Container', 'docker', 'DOCKER'])('takes the package type %s', async (type) => {
    expect((await read(push({ 'package.package_type': type }))).images).toHaveLength(1);
  });

  it.each<[name: string, changes: Record<string, unknown>]>([
    ['no namespace', { 'package.namespace': undefined }],
    ['an empty namespace', { 'package.namespace': '' }],
    ['no namespace (null)', { 'package.namespace': null }],
    ['no owner', { 'package.owner': undefined }],
  ])('makes the reference with %s', async (_name, changes) => {
    expect((await read(push(changes))).images).toEqual(['ghcr.io/acme/svc/api:1.2.0']);
  });

  it('answers a ping', async () => {
    const result = await receive(requests.github(fixture('github-ping'), { 'x-github-event': 'ping' }));
    expect(result).toMatchObject({ kind: 'answer', status: 200 });
  });

  it.each<[name: string, changes: Record<string, unknown>, reason: string]>([
    ['deleted', { action: 'deleted' }, 'not_a_push: the action is "deleted"'],
    ['of npm', { 'package.package_type': 'NPM' }, 'not_an_image: the package type is "NPM"'],
    ['untagged', { [`${tagPath}.name`]: '' }, `no_tag: ${tagPath}.name is empty`],
    ['untagged (null)', { [`${tagPath}.name`]: null }, `no_tag: ${tagPath}.name is empty`],
    ['without a version', { 'package.package_version': null }, `no_tag: ${tagPath}.name is empty`],
    ['without an action', { action: undefined }, 'malformed: action must be a string, found nothing'],
    ['without its key', { package: undefined }, 'malformed: package must be an object, found nothing'],
    [
      'with a tag that is a number',
      { [`${tagPath}.name`]: 1 },
      `malformed: ${tagPath}.name must be a string, found a number`,
    ],
    ['without a tag', { [tagPath]: {} }, `malformed: ${tagPath}.name must be a string, found nothing`],
    [
      'without a name',
      { 'package.name': undefined },
      'malformed: package.name must be a string, found nothing',
    ],
    [
      'with a type that is a list',
      { 'package.package_type': [] },
      'malformed: package.package_type must be a string, found an array',
    ],
    [
      'without an owner',
      { 'package.namespace': undefined, 'package.owner': {} },
      'malformed: package.namespace and package.owner.login are both missing',
    ],
    [
      'with an odd name',
      { 'package.name': 'a//b' },
      'malformed: package.namespace and package.name names no repository: "acme/a//b"',
    ],
    [
      'with an odd tag',
      { [`${tagPath}.name`]: 'sha256:aa' },
      `malformed: ${tagPath}.name is not a tag: "sha256:aa"`,
    ],
  ])('ignores a package %s', async (_name, changes, reason) => {
    expect(await read(push(changes))).toEqual({ images: [], ignored: [{ reason }] });
  });

  it('ignores other events, and one that is not named', async () => {
    expect((await read(push({}, { 'x-github-event': 'push' }))).ignored).toEqual([
      { reason: 'not_a_push: the event is "push"' },
    ]);
    const { 'x-github-event': _event, ...headers } = push().headers;
    expect((await read({ ...push(), headers })).ignored).toEqual([
      { reason: 'malformed: the header X-GitHub-Event is missing' },
    ]);
  });

  it('reads the key that the event names, and no other', async () => {
    expect((await read(push({}, { 'x-github-event': 'registry_package' }))).ignored).toEqual([
      { reason: 'malformed: registry_package must be an object, found nothing' },
    ]);
  });

  it('refuses a form, which is what GitHub sends by default', async () => {
    const form = `payload=${encodeURIComponent(JSON.stringify(fixture('github-package')))}`;
    const request = requests.github(form, { 'content-type': 'application/x-www-form-urlencoded' });
    expect(await receive(request)).toMatchObject({ kind: 'refused', status: 400, code: 'invalid_json' });
  });

  it('ignores what no rule names', async () => {
    expect((await read(push({ 'package.namespace': 'other' }))).ignored).toEqual([
      {
        image: 'ghcr.io/other/svc/api:1.2.0',
        reason: 'not_configured: no rule of ghcr.io matches other/svc/api',
      },
    ]);
  });
});
