import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keepReferrersTag } from '../../core/copy/referrers/referrers-tag.ts';
import { RegistryRepository } from '../../core/copy/registry-repository.ts';
import type { Descriptor } from '../../core/oci/descriptor.ts';
import type { Digest } from '../../core/oci/digest.ts';
import { RegistryClient } from '../../core/registry/client.ts';
import { imageVerifier, noKeyService } from '../../core/verify/verify-image.ts';
import { type DockerRegistry, startDockerRegistry } from '../support/docker-registry.ts';
import { findProgram } from '../support/find-program.ts';
import { pushStore } from '../support/signing/push-store.ts';
import { bundleType, type SignatureLayer, SignedRepository } from '../support/signing/signed-repository.ts';

/** One image, and what happened to its signature. */
interface Case {
  signer: 'a' | 'b' | 'nobody';
  image: 'image' | 'index';
  format: 'tag' | 'bundle';
  change: 'none' | 'damaged' | 'replayed';
}

const cases = fc.sample(
  fc.record<Case>({
    signer: fc.constantFrom('a', 'a', 'b', 'nobody'),
    image: fc.constantFrom('image', 'index'),
    format: fc.constantFrom('tag', 'bundle'),
    change: fc.constantFrom('none', 'none', 'damaged', 'replayed'),
  }),
  { seed: 20261130, numRuns: 40 },
);

const folder = mkdtempSync(join(tmpdir(), 'cosign-'));
const program = findProgram({
  title: 'cosign',
  name: 'cosign',
  variable: 'DRAYAGE_COSIGN',
  remedy: 'go install github.com/sigstore/cosign/v3/cmd/cosign@latest, and name it in DRAYAGE_COSIGN',
});
const run = promisify(execFile);
const env = { ...process.env, COSIGN_PASSWORD: '', HOME: folder };
const cosign = (...args: string[]) => run(program, args, { cwd: folder, env });

let registry: DockerRegistry;
beforeAll(async () => {
  registry = await startDockerRegistry();
  for (const name of ['a', 'b']) await cosign('generate-key-pair', '--output-key-prefix', name);
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** Pushes an image, or an index of two. */
async function push(repository: string, kind: Case['image'], text: string): Promise<Digest> {
  const store = new SignedRepository();
  const image = store.image(text);
  const { digest } = kind === 'image' ? image : store.index(image, store.image(`${text}, too`));
  await pushStore(store, registry.host, repository);
  return digest;
}

async function sign(repository: string, digest: Digest, { signer, format }: Case): Promise<void> {
  if (signer === 'nobody') return;
  const offline = ['--tlog-upload=false', '--use-signing-config=false', '--yes'];
  const image = `${registry.host}/${repository}@${digest}`;
  await cosign(
    'sign',
    '--key',
    `${signer}.key`,
    ...offline,
    `--new-bundle-format=${format === 'bundle'}`,
    image,
  );
}

async function cosignSays(repository: string, digest: Digest, { format }: Case): Promise<boolean> {
  const image = `${registry.host}/${repository}@${digest}`;
  const options = ['--insecure-ignore-tlog=true', `--new-bundle-format=${format === 'bundle'}`];
  return await cosign('verify', '--key', 'a.pub', ...options, image).then(
    () => true,
    () => false,
  );
}

async function withRepository<T>(
  name: string,
  use: (repository: RegistryRepository) => Promise<T>,
): Promise<T> {
  await using client = new RegistryClient({
    registry: registry.host,
    side: 'upstream',
    endpoint: registry.endpoint,
  });
  return await use(new RegistryRepository(client, registry.host, name));
}

const verifyImage = imageVerifier(noKeyService);

function drayageSays(name: string, digest: Digest): Promise<string> {
  const publicKey = readFileSync(join(folder, 'a.pub'), 'utf8');
  const requirement = { kind: 'signature' as const, authority: { kind: 'key' as const, publicKey } };
  const verification = { match: 'any' as const, requirements: [requirement] };
  return withRepository(name, async (source) => {
    const verdict = await verifyImage(
      { image: `${source.name}@${digest}`, digest, source, verification },
      {},
    );
    return verdict.kind;
  });
}

/** The layers that cosign wrote for an image. */
function signaturesOf(name: string, digest: Digest, format: Case['format']): Promise<SignatureLayer[]> {
  return withRepository(name, async (source) => {
    const [referrer] = format === 'bundle' ? await source.referrers(digest) : [];
    const reference = format === 'bundle' ? referrer?.digest : `${digest.replace(':', '-')}.sig`;
    if (reference === undefined) return [];
    const manifest = await source.manifest(reference);
    const layers: Descriptor[] = manifest.kind === 'image' ? manifest.layers : [];
    return await Promise.all(
      layers.map(async (layer) => ({
        mediaType: layer.mediaType,
        content: await source.readBlob(layer),
        ...(layer.annotations && { annotations: layer.annotations }),
      })),
    );
  });
}

/** The same image in another repository, with these layers as its signature. */
async function attach(
  name: string,
  original: Case['image'],
  text: string,
  format: Case['format'],
  layers: SignatureLayer[],
): Promise<Digest> {
  const store = new SignedRepository();
  const image = store.image(text);
  const { digest } = original === 'image' ? image : store.index(image, store.image(`${text}, too`));
  const manifest =
    format === 'tag' ? store.tag(digest, 'sig', layers) : store.refer(digest, bundleType, layers);
  await pushStore(store, registry.host, name);
  const { mediaType, bytes } = manifest;
  const descriptor = { mediaType, digest: manifest.digest, size: bytes.byteLength, artifactType: bundleType };
  if (format === 'bundle')
    await withRepository(name, (target) => keepReferrersTag(target, digest, [descriptor]));
  return digest;
}

/** A signature that is not quite what cosign made. */
function damaged({ content, annotations, ...layer }: SignatureLayer): SignatureLayer {
  const flip = (base64: string) => {
    const bytes = Buffer.from(base64, 'base64');
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
    return bytes.toString('base64');
  };
  const name = 'dev.cosignproject.cosign/signature';
  if (annotations?.[name] !== undefined)
    return { ...layer, content, annotations: { ...annotations, [name]: flip(annotations[name]) } };
  const bundle = JSON.parse(Buffer.from(content).toString('utf8'));
  const [signature] = bundle.dsseEnvelope.signatures;
  signature.sig = flip(signature.sig);
  return { ...layer, content: JSON.stringify(bundle), ...(annotations && { annotations }) };
}

describe('cosign and Drayage say the same', () => {
  it.each(cases.map((each, index) => ({ ...each, index })))(
    '$index: an $image, signed by $signer in the format $format, then $change',
    async ({ index, ...each }) => {
      const text = `image ${index}`;
      let name = `app-${index}`;
      let digest = await push(name, each.image, text);
      await sign(name, digest, each);
      if (each.change !== 'none' && each.signer !== 'nobody') {
        const isReplayed = each.change === 'replayed';
        const other = isReplayed ? await push(name, 'image', `older ${index}`) : digest;
        if (isReplayed) await sign(name, other, each);
        const layers = await signaturesOf(name, other, each.format);
        expect(layers).toHaveLength(1);
        name = `${name}-changed`;
        const changed = isReplayed ? layers : layers.map(damaged);
        digest = await attach(name, each.image, text, each.format, changed);
      }
      const verdict = await drayageSays(name, digest);
      expect(verdict === 'verified').toBe(await cosignSays(name, digest, each));
      const isGood = each.signer === 'a' && each.change === 'none';
      expect(verdict).toBe(isGood ? 'verified' : each.signer === 'nobody' ? 'missing' : 'wrong');
    },
  );

  it('of what was mirrored', async () => {
    const digest = await push('source', 'index', 'mirrored');
    for (const format of ['tag', 'bundle'] as const)
      await sign('source', digest, { signer: 'a', image: 'index', format, change: 'none' });
    const image = (name: string) => `${registry.host}/${name}@${digest}`;
    await runDrayage(['copy', image('source'), image('mirror'), '--plain-http', '--referrers']);
    for (const format of ['tag', 'bundle'] as const) {
      const signed: Case = { signer: 'a', image: 'index', format, change: 'none' };
      expect(await cosignSays('mirror', digest, signed), format).toBe(true);
    }
    expect(await drayageSays('mirror', digest)).toBe('verified');
  });
});

/** Runs the command line. */
async function runDrayage(args: string[]): Promise<void> {
  await run(process.execPath, [join(import.meta.dirname, '../../cli/main.ts'), ...args], { env });
}
