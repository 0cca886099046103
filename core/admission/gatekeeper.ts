import * as z from 'zod';
import { shown } from '../config/fields.ts';
import { formatReference, parseReference } from '../oci/reference.ts';
import type { KnownImages } from '../rewrite/point-to-mirror.ts';
import type { AdmissionChoice } from './choice.ts';
import { fieldOf, listOf } from './json-value.ts';
import { referencesIn } from './point-pod.ts';
import { InvalidReviewError, parseJson } from './review.ts';

/**
 * What Gatekeeper asks a provider of external data.
 * https://open-policy-agent.github.io/gatekeeper/website/docs/externaldata/#providerrequest
 */
const providerRequest = z.object({
  apiVersion: z.enum(['externaldata.gatekeeper.sh/v1beta1', 'externaldata.gatekeeper.sh/v1alpha1']),
  kind: z.literal('ProviderRequest'),
  // Go leaves an empty list out.
  request: z.object({ keys: z.array(z.string()).nullish() }).nullish(),
});

/** What Gatekeeper is answered. */
export interface ProviderResponse {
  apiVersion: string;
  kind: 'ProviderResponse';
  response: {
    /** Mutation needs an answer that is the same when it is asked for again. */
    idempotent: true;
    items: { key: string; value: string; error?: string }[];
    systemError?: string;
  };
}

/**
 * Answers Gatekeeper: each key with the mirror's reference, or with itself if the mirror does not
 * have it. With the choice `deny`, what is not mirrored is an error.
 *
 * @param known undefined if there is nothing to look images up in
 * @throws InvalidReviewError if the body is not a ProviderRequest
 */
export function answerGatekeeper(
  body: Uint8Array,
  known: KnownImages | undefined,
  { missing, tags = false }: AdmissionChoice,
): { answer: ProviderResponse; missing: string[] } {
  const { apiVersion, keys } = parseRequest(body);
  const valid = new Set(referencesIn(keys.map((image) => ({ image, path: '', place: '' }))));
  const notMirrored: string[] = [];
  const items = keys.map((key) => {
    const unchanged = { key, value: key };
    if (known === undefined || !valid.has(key)) return unchanged;
    const mapping = known.mapping(key);
    if (mapping)
      return { key, value: formatReference(parseReference(tags ? mapping.mirror : mapping.pinned)) };
    if (known.isMirror(parseReference(key).registry)) return unchanged;
    notMirrored.push(key);
    return missing === 'deny' ? { ...unchanged, error: `${key} is not mirrored` } : unchanged;
  });
  return {
    answer: {
      apiVersion,
      kind: 'ProviderResponse',
      response: {
        idempotent: true,
        items,
        ...(known === undefined && { systemError: 'drayage has no mapping yet: it has not reached its API' }),
      },
    },
    missing: notMirrored,
  };
}

/** Gatekeeper asks for one Pod at a time; others would wait while millions are answered. */
const mostKeys = 1_000;

function parseRequest(body: Uint8Array): { apiVersion: string; keys: string[] } {
  const value = parseJson(body);
  const { length } = listOf(fieldOf(fieldOf(value, 'request'), 'keys'));
  if (length > mostKeys)
    throw new InvalidReviewError(`request.keys has ${length} images: send at most ${mostKeys}`);
  const result = providerRequest.safeParse(value, { reportInput: true });
  if (result.success) {
    const { apiVersion, request } = result.data;
    return { apiVersion, keys: request?.keys ?? [] };
  }
  const [issue] = result.error.issues;
  throw new InvalidReviewError(
    `${issue?.path.map(String).join('.') || 'the body'} is ${shown(issue?.input)}: send a ProviderRequest of externaldata.gatekeeper.sh/v1beta1`,
  );
}
