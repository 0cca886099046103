import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { SyncReport } from '../../cli/sync/run.ts';
import type { Mapping } from '../../core/mapping/record.ts';
import { parseConfig } from '../../core/mirror-yaml/parse.ts';
import { startRegistry } from '../../local/ecr/server.ts';
import { drayage } from '../support/drayage.ts';
import { type Pipeline, pipelineConfig, startPipeline } from '../support/pipeline.ts';
import { pushBlob, pushImage, pushManifest, seededImage } from '../support/seeded-image.ts';
import { cosignTag } from '../support/signed-image.ts';
import { KeySigner } from '../support/signing/key-signer.ts';
import { SignedRepository } from '../support/signing/signed-repository.ts';

const signer = new KeySigner();
const somebodyElse = new KeySigner();
const image = (seed: string) => seededImage({ seed, layers: [{ size: 4_000 }] });
type Image = ReturnType<typeof image>;

/** Pushes a signature as `cosign sign --key` does. */
async function sign(endpoint: string, repository: string, { manifest }: Image, by = signer): Promise<string> {
  const made = new SignedRepository();
  const tag = cosignTag(manifest);
  const signature = made.tag(manifest.digest, 'sig', [by.simple(manifest.digest)]);
  for (const [digest, bytes] of made.blobs) await pushBlob(endpoint, repository, digest, bytes);
  await pushManifest(endpoint, repository, tag, signature);
  return tag;
}

describe('images that are really signed', () => {
  let pipeline: Pipeline;
  beforeAll(async () => {
    pipeline = await startPipeline({
      configure(upstream) {
        const rule = { match: 'acme/signed-*', verify: { cosign: { key: signer.pem } } };
        const parsed = parseConfig(
          stringify({
            version: 1,
            mirror: { regions: ['eu-west-1'], repositoryPrefix: 'mirror' },
            upstreams: [
              {
                registry: 'ghcr.io',
                endpoint: upstream,
                webhook: { source: 'github' },
                repositories: [rule],
              },
            ],
          }),
        );
        return parsed.ok ? parsed.config : pipelineConfig(upstream);
      },
    });
  });
  afterAll(() => pipeline[Symbol.asyncDispose]());

  const told = async (repository: string, tag: string): Promise<string> => {
    const answer = (await (await pipeline.github(repository, tag)).json()) as { accepted: { job: string }[] };
    return answer.accepted[0]?.job ?? '';
  };

  it('are mapped with who signed them, also in the history', async () => {
    const pushed = image('signed');
    await pipeline.push('acme/signed-app', '1', pushed);
    await sign(pipeline.upstream.endpoint, 'acme/signed-app', pushed);
    const job = await pipeline.jobIn(await told('acme/signed-app', '1'), 'committed', 'failed', 'waiting');
    expect(job).toMatchObject({ state: 'committed', digest: pushed.manifest.digest });
    const verified = {
      digest: pushed.manifest.digest,
      signatures: [{ kind: 'signature', by: expect.stringContaining('SHA256:') }],
    };
    expect(await pipeline.mapping('ghcr.io/acme/signed-app:1')).toMatchObject({ verified });
    const history = await pipeline.get('/v1/mappings/history?image=ghcr.io/acme/signed-app:1');
    expect(await history.json()).toMatchObject({ history: [{ verified, current: true }] });
  });

  it('only after their push wait, and the signature’s webhook maps them', async () => {
    const pushed = image('signed late');
    await pipeline.push('acme/signed-late', '1', pushed);
    const id = await told('acme/signed-late', '1');
    const waiting = await pipeline.jobIn(id, 'committed', 'failed', 'waiting');
    expect(waiting).toMatchObject({ state: 'waiting', error: { code: 'signature_missing' } });
    expect(pipeline.stack.registry.tag('mirror/ghcr.io/acme/signed-late', '1')).toBeUndefined();
    const tag = await sign(pipeline.upstream.endpoint, 'acme/signed-late', pushed);
    await told('acme/signed-late', tag);
    expect(await pipeline.jobIn(id, 'committed', 'failed')).toMatchObject({ state: 'committed' });
    expect(await pipeline.mapping('ghcr.io/acme/signed-late:1')).toMatchObject({
      digest: pushed.manifest.digest,
    });
  });

  it('by somebody else fail, and the tag stays what it was', async () => {
    const [good, bad] = [image('by us'), image('by somebody else')];
    const repository = 'acme/signed-wrong';
    await pipeline.push(repository, '1', good);
    await sign(pipeline.upstream.endpoint, repository, good);
    await pipeline.jobIn(await told(repository, '1'), 'committed');
    await pipeline.push(repository, '1', bad);
    await sign(pipeline.upstream.endpoint, repository, bad, somebodyElse);
    const job = await pipeline.jobIn(await told(repository, '1'), 'committed', 'failed', 'waiting');
    expect(job).toMatchObject({ state: 'failed', error: { code: 'signature_invalid' } });
    expect(await pipeline.mapping(`ghcr.io/${repository}:1`)).toMatchObject({ digest: good.manifest.digest });
    expect(pipeline.stack.registry.tag(`mirror/ghcr.io/${repository}`, '1')).toBe(good.manifest.digest);
  });

  it('are the only ones that drayage sync copies', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'drayage-verified-'));
    const from = await startRegistry({ flavour: 'distribution' });
    const to = await startRegistry({ flavour: 'distribution' });
    try {
      const [good, bad, none] = [image('good'), image('bad'), image('none')];
      for (const [tag, pushed] of Object.entries({ good, bad, none }))
        await pushImage(from.endpoint, 'team/app', tag, pushed);
      await sign(from.endpoint, 'team/app', good);
      await sign(from.endpoint, 'team/app', bad, somebodyElse);
      // It was copied before anybody asked for signatures.
      const place = `copies/${from.host.replace(':', '_')}/team/app`;
      await pushImage(to.endpoint, place, 'none', none);
      const file = (name: string) => join(folder, name);
      writeFileSync(file('cosign.pub'), signer.pem);
      const rule = { match: 'team/app', verify: { cosign: { key: 'cosign.pub' } } };
      const upstreams = [{ registry: from.host, endpoint: from.endpoint, repositories: [rule] }];
      writeFileSync(
        file('mirror.yaml'),
        stringify({ version: 1, mirror: { regions: ['eu-west-1'] }, upstreams }),
      );
      const line = ['sync', '--config', file('mirror.yaml'), '--to', `${to.host}/copies`, '--dst-plain-http'];
      const { code, stdout, stderr } = await drayage([...line, '--mapping', file('map.json'), '--json']);
      expect(code, stderr).toBe(1);
      const { images } = JSON.parse(stdout) as SyncReport;
      expect(images).toMatchObject([
        { image: `${from.host}/team/app:bad`, outcome: 'failed', error: { code: 'SIGNATURE_INVALID' } },
        { image: `${from.host}/team/app:good`, outcome: 'copied', digest: good.manifest.digest },
        { image: `${from.host}/team/app:none`, outcome: 'failed', error: { code: 'SIGNATURE_MISSING' } },
      ]);
      expect(to.tag(place, 'good')).toBe(good.manifest.digest);
      expect(to.tag(place, 'bad')).toBeUndefined();
      const { mappings } = JSON.parse(readFileSync(file('map.json'), 'utf8')) as { mappings: Mapping[] };
      expect(mappings).toMatchObject([
        { image: `${from.host}/team/app:good`, verified: { digest: good.manifest.digest } },
      ]);
      const dry = await drayage([...line, '--dry-run', '--json']);
      expect(dry.code).toBe(1);
      expect(JSON.parse(dry.stdout)).toMatchObject({ equal: 1, failed: 2 });
    } finally {
      await Promise.all([from.stop(), to.stop()]);
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
