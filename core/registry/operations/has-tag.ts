import { manifestAcceptHeader } from '../../oci/media-types.ts';
import { readErrorBody } from '../error-body.ts';
import { RegistryError } from '../errors.ts';
import type { CallOptions, Exchange } from '../exchange.ts';
import { maxErrorBytes } from '../failures.ts';
import { discard, readBeginning } from '../transport/body.ts';
import { headManifest } from './manifests.ts';
import { manifestUrl } from './paths.ts';

/**
 * How registries say that there is no such tag: the codes of the specification
 * (https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes), Harbor's
 * (https://github.com/goharbor/harbor/blob/main/src/lib/errors/const.go), and Quay's for a tag that
 * was deleted or has expired (https://github.com/quay/quay/blob/master/endpoints/v2/errors.py).
 */
const goneCodes: ReadonlySet<string | undefined> = new Set([
  'MANIFEST_UNKNOWN',
  'NAME_UNKNOWN',
  'NOT_FOUND',
  'TAG_EXPIRED',
]);

/**
 * Whether a tag exists, for callers that remove something if it does not. A 404 alone does not
 * count: proxies and load balancers answer so as well, while the registry behind them restarts. The
 * registry's own error must say it, which an answer to HEAD does not contain.
 *
 * @throws RegistryError ANSWER_INVALID for a 404 without such an error; and what the exchange
 *   throws.
 */
export async function hasTag(
  exchange: Exchange,
  repository: string,
  tag: string,
  { signal }: CallOptions = {},
): Promise<boolean> {
  if ((await headManifest(exchange, repository, tag, { signal })) !== undefined) return true;
  const call = { operation: 'check manifest', repository, reference: tag };
  return await exchange.perform(
    {
      ...call,
      method: 'GET',
      url: manifestUrl(exchange.endpoint, repository, tag),
      scopes: [exchange.readScope(repository)],
      headers: { accept: manifestAcceptHeader, 'accept-encoding': 'identity' },
      expect: [200, 404],
      unknownCode: 'MANIFEST_UNKNOWN',
      retry: true,
      work: 'fetch',
      signal,
    },
    async (answer) => {
      if (answer.status === 200) {
        discard(answer.body);
        return true;
      }
      const { code } = readErrorBody(await readBeginning(answer.body, maxErrorBytes));
      if (goneCodes.has(code)) return false;
      throw new RegistryError(exchange.context(call), {
        code: 'ANSWER_INVALID',
        status: answer.status,
        temporary: true,
        reason: 'the answer is 404 without a registry’s error, so it does not prove that the tag is gone',
      });
    },
  );
}
