import { KmsKeys } from '../../core/aws/kms.ts';
import { RegistryRepository } from '../../core/copy/registry-repository.ts';
import type { Digest } from '../../core/oci/digest.ts';
import { formatPlatform, type Platform, platformMatches } from '../../core/oci/platform.ts';
import { formatReference, type Reference } from '../../core/oci/reference.ts';
import type { RegistryClient } from '../../core/registry/client.ts';
import type { Verdict } from '../../core/verify/verdict.ts';
import { imageVerifier } from '../../core/verify/verify-image.ts';
import { openSource } from '../copy/endpoints.ts';
import { CommandError } from '../shared/command-error.ts';
import { onInterrupt } from '../shared/interruption.ts';
import { UsageError } from '../shared/usage-error.ts';
import { openUpstreams } from '../sync/upstreams.ts';
import type { VerifyFlags } from './flags.ts';
import { type Required, requiredOf } from './requirements.ts';
import { printVerdict } from './verdict.ts';

/**
 * `drayage verify`: whether an image is signed as the options or its rule require, asked at its
 * registry. Sets the exit code to 1 if it is not.
 *
 * @throws UsageError for options that do not go together; RegistryError or CommandError if nothing
 *   can be known
 */
export async function runVerify(image: Reference, flags: VerifyFlags): Promise<void> {
  if ((flags.platform?.length ?? 0) > 1) throw new UsageError('--platform: name only one platform');
  const required = requiredOf(image, flags);
  const interrupt = new AbortController();
  const { signal } = interrupt;
  const release = onInterrupt(() => interrupt.abort(new Error('interrupted')));
  await using client = openRegistry(image, required, flags, signal);
  try {
    const source = new RegistryRepository(client, image.registry, image.repository);
    const digest = await digestOf(source, image, flags.platform?.[0], signal);
    const verifyImage = imageVerifier(new KmsKeys());
    const name = formatReference(image);
    const { verification } = required;
    const verdict: Verdict = await verifyImage({ image: name, digest, verification, source }, { signal });
    printVerdict({ image: name, digest, by: required.by }, verdict, flags.json ?? false);
    if (verdict.kind !== 'verified') process.exitCode = 1;
  } finally {
    release();
  }
}

/** As the configuration reaches the upstream, or as `drayage copy` does. */
function openRegistry(
  image: Reference,
  { config }: Required,
  { plainHttp = false, caFile }: VerifyFlags,
  signal: AbortSignal,
): RegistryClient {
  const network = caFile === undefined ? {} : { caFile };
  const client = config && openUpstreams(config, network, signal).get(image.registry);
  if (client !== undefined) return client;
  const hosts = { authHost: [], redirectHost: [] };
  return openSource(
    image,
    { plainHttp, srcPlainHttp: false, dstPlainHttp: false, ...hosts, ...network },
    signal,
  );
}

/** What the reference points to now, or the manifest of one platform in it. */
async function digestOf(
  source: RegistryRepository,
  image: Reference,
  platform: Platform | undefined,
  signal: AbortSignal,
): Promise<Digest> {
  const manifest = await source.manifest(image.digest ?? image.tag ?? 'latest', { signal });
  if (platform === undefined || manifest.kind !== 'index') return manifest.digest;
  const child = manifest.manifests.find(
    (descriptor) => descriptor.platform !== undefined && platformMatches(platform, descriptor.platform),
  );
  if (child !== undefined) return child.digest;
  throw new CommandError(
    `${formatReference(image)} has no image for ${formatPlatform(platform)}`,
    'leave out --platform to verify the index itself',
  );
}
