import * as z from 'zod';
import { shown } from '../config/fields.ts';
import type { PatchOperation } from './json-patch.ts';

/**
 * What the apiserver asks, as far as we read it; objects are read where images stand in them.
 * https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#request
 */
export const admissionReview = z
  .object({
    apiVersion: z.literal('admission.k8s.io/v1'),
    kind: z.literal('AdmissionReview'),
    request: z.object({
      uid: z.string().min(1).max(1_024),
      kind: z.object({ group: z.string().optional(), version: z.string(), kind: z.string() }),
      subResource: z.string().optional(),
      name: z.string().optional(),
      namespace: z.string().optional(),
      operation: z.string(),
      dryRun: z.boolean().nullish(),
      object: z.unknown().optional(),
      oldObject: z.unknown().optional(),
    }),
  })
  .meta({
    id: 'AdmissionReview',
    description: 'An AdmissionReview of admission.k8s.io/v1; other fields are accepted and not read.',
  });

/** What the apiserver wants to know. */
export type AdmissionRequest = z.output<typeof admissionReview>['request'];

/** The apiserver drops the answer unless it has its own version and the request's uid. */
export interface AdmissionAnswer {
  apiVersion: 'admission.k8s.io/v1';
  kind: 'AdmissionReview';
  response: {
    uid: string;
    allowed: boolean;
    patchType?: 'JSONPatch';
    /** The JSON Patch in base64. */
    patch?: string;
    /** Shown to whoever sent the request. */
    warnings?: string[];
    /** Why it is not allowed. */
    status?: { code: number; reason: string; message: string };
  };
}

/** A body is not an AdmissionReview that can be answered. */
export class InvalidReviewError extends Error {
  override readonly name = 'InvalidReviewError';
}

/** Reads a body. @throws InvalidReviewError, which names the field and its value */
export function parseReview(body: Uint8Array): AdmissionRequest {
  const value = parseJson(body);
  const result = admissionReview.safeParse(value, { reportInput: true });
  if (result.success) return result.data.request;
  const [issue] = result.error.issues;
  const path = issue?.path.map(String).join('.') || 'the body';
  throw new InvalidReviewError(
    `${path} is ${shown(issue?.input)}: send an AdmissionReview of admission.k8s.io/v1 (admissionReviewVersions: [v1])`,
  );
}

/** Reads JSON in UTF-8. @throws InvalidReviewError */
export function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw new InvalidReviewError('the body is not JSON in UTF-8');
  }
}

/** The answer that lets a request pass, changed by a patch unless that is empty. */
export function allow(
  uid: string,
  { patch = [], warnings = [] }: { patch?: readonly PatchOperation[]; warnings?: readonly string[] } = {},
): AdmissionAnswer {
  return answer({
    uid,
    allowed: true,
    ...(patch.length > 0 && {
      patchType: 'JSONPatch' as const,
      patch: Buffer.from(JSON.stringify(patch)).toString('base64'),
    }),
    ...(warnings.length > 0 && { warnings: [...warnings] }),
  });
}

/** The answer that refuses a request. */
export function deny(uid: string, message: string): AdmissionAnswer {
  return answer({ uid, allowed: false, status: { code: 403, reason: 'Forbidden', message } });
}

function answer(response: AdmissionAnswer['response']): AdmissionAnswer {
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response };
}
