import * as z from 'zod';
import type { AdmissionAnswer } from '../../../core/admission/review.ts';
import type { AdmissionAddress } from '../admission.ts';
import { exactly } from './fields.ts';

export const admissionAnswer = exactly<AdmissionAnswer>()(
  z
    .object({
      apiVersion: z.literal('admission.k8s.io/v1'),
      kind: z.literal('AdmissionReview'),
      response: z.object({
        uid: z.string().describe('The request’s.'),
        allowed: z.boolean().describe('False only with `deny`, for images that are not mirrored.'),
        patchType: z.literal('JSONPatch').exactOptional(),
        patch: z.string().exactOptional().describe('The JSON Patch (RFC 6902) in base64; absent: no change.'),
        warnings: z.array(z.string()).exactOptional(),
        status: z.object({ code: z.int(), reason: z.string(), message: z.string() }).exactOptional(),
      }),
    })
    .meta({ id: 'AdmissionAnswer', description: 'The AdmissionReview with its response.' }),
);

export const admissionAddress = exactly<AdmissionAddress>()(
  z
    .object({
      url: z
        .string()
        .describe(
          'Where apiservers send their reviews. Callers that may only read get `…` instead of the token.',
        ),
    })
    .meta({ id: 'AdmissionAddress' }),
);
