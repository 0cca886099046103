import { applyPatch } from 'rfc6902';
import { MappingList } from '../../../cli/mapping/look-up.ts';
import { type AdmissionOutcome, admit } from '../../../core/admission/admit.ts';
import type { AdmissionChoice } from '../../../core/admission/choice.ts';
import type { AdmissionAnswer } from '../../../core/admission/review.ts';
import type { Mapping } from '../../../core/mapping/record.ts';
import type { KnownImages } from '../../../core/rewrite/point-to-mirror.ts';
import { podMappings, podMirrorHost } from '../../support/pods/mappings.ts';

/** The request of an AdmissionReview, without what every request has. */
export interface ReviewRequest {
  uid?: string;
  kind?: { group?: string; version: string; kind: string };
  operation?: string;
  subResource?: string;
  name?: string;
  namespace?: string;
  dryRun?: boolean;
  object?: unknown;
  oldObject?: unknown;
}

/** An AdmissionReview about a Pod, as an apiserver sends it; by default it is created. */
export function reviewOf(request: ReviewRequest): unknown {
  return {
    kind: 'AdmissionReview',
    apiVersion: 'admission.k8s.io/v1',
    request: {
      uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      requestKind: { group: '', version: 'v1', kind: 'Pod' },
      requestResource: { group: '', version: 'v1', resource: 'pods' },
      namespace: 'default',
      operation: 'CREATE',
      userInfo: { username: 'admin', groups: ['system:masters'] },
      dryRun: false,
      oldObject: null,
      options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
      ...request,
    },
  };
}

/** Ephemeral containers are added to a Pod. */
export function debugReviewOf(object: unknown, oldObject: unknown): unknown {
  return reviewOf({ operation: 'UPDATE', subResource: 'ephemeralcontainers', object, oldObject });
}

export const bytesOf = (review: unknown): Uint8Array =>
  Buffer.from(typeof review === 'string' ? review : JSON.stringify(review));

/** Images as a mapping tells them. */
export function knownImages(mappings: readonly Mapping[] = podMappings()): KnownImages {
  const list = new MappingList(mappings);
  return { mapping: (image) => list.find(image), isMirror: (registry) => registry === podMirrorHost };
}

/** How a request was answered, and what else happened. */
export interface Answered {
  answer: AdmissionAnswer;
  outcomes: AdmissionOutcome[];
  lookedUp: string[][];
  enqueued: string[][];
}

/** What {@link answered} can be told. */
export interface AnswerOptions extends Partial<AdmissionChoice> {
  lookUp?: (images: readonly string[]) => Promise<KnownImages>;
  enqueue?: () => Promise<void>;
  deadlineMs?: number;
}

const known = knownImages();

/** Answers a review by the mappings of the table of pods. */
export async function answered(
  review: unknown,
  { missing = 'keep', tags = false, ...more }: AnswerOptions = {},
): Promise<Answered> {
  const outcomes: AdmissionOutcome[] = [];
  const [lookedUp, enqueued]: [string[][], string[][]] = [[], []];
  const answer = await admit(bytesOf(review), {
    choice: { missing, tags },
    lookUp: async (images) => {
      lookedUp.push([...images]);
      return more.lookUp ? await more.lookUp(images) : known;
    },
    enqueue: async (images) => {
      enqueued.push([...images]);
      await more.enqueue?.();
    },
    deadlineMs: more.deadlineMs ?? 5_000,
    report: (outcome) => outcomes.push(outcome),
  });
  return { answer, outcomes, lookedUp, enqueued };
}

/** The operations of an answer. */
export function patchOf({ response }: AdmissionAnswer): { op: string; path: string; value: unknown }[] {
  return response.patch === undefined ? [] : JSON.parse(Buffer.from(response.patch, 'base64').toString());
}

/** An object after the answer's patch; another implementation applies it. */
export function patched<T>(object: T, answer: AdmissionAnswer): T {
  const copy = structuredClone(object);
  const failures = applyPatch(copy, patchOf(answer) as Parameters<typeof applyPatch>[1]).filter(Boolean);
  if (failures.length > 0) throw new Error(`the patch does not apply: ${failures.join(', ')}`);
  return copy;
}
