import { UpdateImageStorageClassCommand } from '@aws-sdk/client-ecr';
import { describe, expect, it } from 'vitest';
import { EcrUpstream } from '../../../core/aws/ecr/upstream/ecr-upstream.ts';
import { RegistryClient } from '../../../core/registry/client.ts';
import { type ScriptedAnswer, startScriptedServer } from '../../support/scripted-server.ts';
import { pushImage, seededImage } from '../../support/seeded-image.ts';
import { rejectionOf, runEcr } from './ecr-fixture.ts';

const repositoryName = 'team/app';
const imageOf = (seed: string) => seededImage({ seed, layers: [{ size: 300 }] });
const [first, second, archived] = [imageOf('first'), imageOf('second'), imageOf('archived')];

const roleArn = 'arn:aws:iam::111122223333:role/pull';

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html */
const assumed = (validMs = 3_600_000): ScriptedAnswer => ({
  status: 200,
  headers: { 'content-type': 'text/xml' },
  body: `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>session</SessionToken><Expiration>${new Date(Date.now() + validMs).toISOString()}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
});
const refused = (status: number, code: string, message: string): ScriptedAnswer => ({
  status,
  headers: { 'content-type': 'text/xml' },
  body: `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`,
});

/** @param answers of STS, one after the other */
async function run(...answers: ScriptedAnswer[]) {
  const ecr = await runEcr({ auth: true });
  const push = (tag: string, image: typeof first) =>
    pushImage(ecr.registry.endpoint, repositoryName, tag, image, { authorization: ecr.authorization });
  const sts = await startScriptedServer(answers.map((answer) => ({ request: 'POST /', answer })));
  const upstream = new EcrUpstream(
    { registry: ecr.registry.host, region: 'eu-west-1', fips: false, dualstack: false },
    {
      roleArn,
      ecr: { endpoint: ecr.registry.endpoint, maxAttempts: 1 },
      sts: {
        endpoint: sts.origin,
        region: 'eu-west-1',
        credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
        maxAttempts: 1,
      },
    },
  );
  const list = async (repository = repositoryName) => {
    const all = [];
    for await (const each of await upstream.list(repository)) all.push(each);
    return all.sort((a, b) => (a.tag < b.tag ? -1 : 1));
  };
  const calls = () => ecr.registry.requests.map(({ operation, path }) => operation ?? path);
  return { ...ecr, sts, upstream, push, list, calls };
}

describe('the tags of an upstream ECR registry', () => {
  it('lists each tag with its digest, in one call', async () => {
    const { registry, push, list, calls } = await run(assumed());
    await push('1', first);
    await push('2', second);
    await push('latest', first);
    await push('latest', second);
    registry.clearRequests();
    expect(await list()).toEqual([
      { tag: '1', digest: first.manifest.digest },
      { tag: '2', digest: second.manifest.digest },
      { tag: 'latest', digest: second.manifest.digest },
    ]);
    expect(calls()).toEqual(['ListImages']);
  });

  it('reads page after page', async () => {
    const { registry, push, list, calls } = await run(assumed());
    await push('0', second);
    await push('1', first);
    const bytes = Buffer.from(first.manifest.bytes);
    const { authorization } = registry;
    for (let at = 1; at <= 1_000; at += 50) {
      await Promise.all(
        Array.from({ length: 50 }, async (_, index) => {
          const answer = await fetch(`${registry.endpoint}/v2/${repositoryName}/manifests/${at + index}`, {
            method: 'PUT',
            headers: { authorization, 'content-type': first.manifest.mediaType },
            body: bytes,
          });
          expect(answer.status).toBe(201);
        }),
      );
    }
    registry.clearRequests();
    const listed = await list();
    expect(listed).toHaveLength(1_001);
    expect(new Set(listed.map(({ tag }) => tag)).size).toBe(1_001);
    expect(calls()).toEqual(['ListImages', 'ListImages']);
  });

  it('leaves out archived images', async () => {
    const { client, push, list } = await run(assumed());
    await push('1', first);
    await push('2', archived);
    const image = { repositoryName, imageId: { imageDigest: archived.manifest.digest } };
    await client.send(new UpdateImageStorageClassCommand({ ...image, targetStorageClass: 'ARCHIVE' }));
    expect(await list()).toEqual([{ tag: '1', digest: first.manifest.digest }]);
  });

  it('names an unknown repository as the distribution API does', async () => {
    const { list, registry } = await run(assumed());
    expect(await rejectionOf(list('team/other'))).toMatchObject({
      code: 'NAME_UNKNOWN',
      status: 404,
      side: 'upstream',
      registry: registry.host,
      repository: 'team/other',
      temporary: false,
    });
  });

  it('ends with its signal', async () => {
    const { upstream, push } = await run();
    await push('1', first);
    const signal = AbortSignal.abort(new Error('enough'));
    const tags = await upstream.list(repositoryName, { signal });
    await expect(tags[Symbol.asyncIterator]().next()).rejects.toThrow('enough');
  });
});

describe('the login of an upstream ECR registry', () => {
  it('is the role’s: its credentials sign the calls, and images can be pulled', async () => {
    const { registry, sts, upstream, push } = await run(assumed());
    await push('1', first);
    await using client = new RegistryClient({
      registry: registry.host,
      endpoint: registry.endpoint,
      side: 'upstream',
      credentials: () => upstream.login(),
    });
    const { digest } = await client.getManifest(repositoryName, '1');
    expect(digest).toBe(first.manifest.digest);
    const [asked] = sts.requests;
    expect(new URLSearchParams(asked?.body.toString()).get('RoleArn')).toBe(roleArn);
    expect(asked?.headers.authorization).toContain('Credential=local/');
  });

  it('asks for the role once, until its credentials expire', async () => {
    const { sts, upstream } = await run(assumed());
    await upstream.login();
    await upstream.login();
    expect(sts.requests).toHaveLength(1);
    const other = await run(assumed(30_000), assumed());
    await other.upstream.login();
    await other.upstream.login();
    expect(other.sts.requests).toHaveLength(2);
  });

  it('says which role was refused, and what to do', async () => {
    const { upstream } = await run(refused(403, 'AccessDenied', 'User: x is not authorized'));
    expect(await rejectionOf(upstream.login())).toMatchObject({
      code: 'ROLE_REFUSED',
      message: `the role ${roleArn} can’t be assumed: User: x is not authorized`,
      remedy: expect.stringContaining('trust policy'),
      temporary: false,
    });
  });

  it('is tried again while STS is busy', async () => {
    const { upstream } = await run(refused(503, 'ServiceUnavailable', 'busy'), assumed());
    expect(await rejectionOf(upstream.login())).toMatchObject({ code: 'ROLE_UNAVAILABLE', temporary: true });
    expect(await upstream.login()).toMatchObject({ username: 'AWS' });
  });
});
