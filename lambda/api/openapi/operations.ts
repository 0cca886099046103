import * as z from 'zod';
import { choiceSegments } from '../../../core/admission/choice.ts';
import { admissionReview } from '../../../core/admission/review.ts';
import { exportFormats } from '../../../core/exports/formats/index.ts';
import { admissionAddress, admissionAnswer } from '../schemas/admission.ts';
import { exampleDigest, exampleImage, exampleJob } from '../schemas/fields.ts';
import { job, jobList, queuedJobs, redrivenJobs } from '../schemas/job.ts';
import { exported, history, mapping, mappingList, resolved } from '../schemas/mapping.ts';
import { reconcileRequested, reconcileState } from '../schemas/reconcile.ts';
import {
  exportQuery,
  historyQuery,
  jobsQuery,
  mappingsQuery,
  mirrorsBody,
  reconcileBody,
  reconcileQuery,
  redriveBody,
  resolveBody,
  retentionBody,
  retentionQuery,
  rollbackBody,
  rotateBody,
  savingsQuery,
  tagBody,
} from '../schemas/request.ts';
import { retentionPass } from '../schemas/retention.ts';
import { savings } from '../schemas/savings.ts';
import { status } from '../schemas/status.ts';
import { webhook, webhookList } from '../schemas/webhook.ts';
import type { Operation } from './operation.ts';

const invalidRequest = { invalid_request: 'A parameter or field is wrong: the message names it.' };
const invalidReference = { invalid_reference: 'The image is not an image reference.' };
const invalidCursor = { invalid_cursor: 'The cursor does not come from an earlier answer.' };
const invalidJson = { invalid_json: 'The body is not a JSON object in UTF-8.' };
const tooLarge = { answer_too_large: 'The answer does not fit: ask for less, or accept br or gzip.' };
const notQueued = { not_queued: 'The queue did not take all: send the request again.' };
const neverMirrored = { not_mirrored: 'The tag is not mirrored, and was not within `mirror.history`.' };

/** Pin, unpin and rollback: a job makes the change. */
function change(
  name: 'pin' | 'unpin' | 'rollback',
): Pick<Operation, 'method' | 'path' | 'operationId' | 'tag' | 'access' | 'answer'> {
  return {
    method: 'post',
    path: `/v1/mappings/${name}`,
    operationId: `${name}Mapping`,
    tag: 'Mappings',
    access: 'write',
    answer: { status: 202, description: 'The job that makes the change', schema: queuedJobs },
  };
}

const token = z.string().meta({
  description: 'The secret that `GET /v1/admission` shows to the operator.',
  example: 'x'.repeat(43),
});

/** An admission webhook: its secret is part of the path, since an apiserver sends no other. */
const admission: Pick<Operation, 'method' | 'tag' | 'access' | 'body' | 'answer' | 'errors'> = {
  method: 'post',
  tag: 'Admission',
  access: 'open',
  body: {
    schema: admissionReview,
    example: {
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      request: {
        uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
        kind: { group: '', version: 'v1', kind: 'Pod' },
        operation: 'CREATE',
        object: {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: 'shop' },
          spec: { containers: [{ name: 'shop', image: exampleImage }] },
        },
      },
    },
  },
  answer: { status: 200, description: 'The AdmissionReview with its response', schema: admissionAnswer },
  errors: {
    400: { invalid_review: 'The body is not an AdmissionReview of admission.k8s.io/v1.' },
    404: { not_found: 'The token is not valid, or there is no such choice.' },
    413: { too_large: 'The body has more than 5 MiB.' },
  },
};

/** Each route of the API, in the order of the document. */
export const operations: Operation[] = [
  {
    method: 'get',
    path: '/v1/mappings',
    operationId: 'getMappings',
    tag: 'Mappings',
    summary: 'Where an image is, or a list of all mappings',
    description:
      'With `image`, the answer is one mapping, and the other parameters except `region` have no effect. Without it, the answer is a page of the list, in order of repository and tag. A reference by digest is answered for every index and manifest that the mirror holds.',
    access: 'read',
    query: mappingsQuery,
    answer: {
      status: 200,
      description: 'The mapping of `image`, or a page of the list',
      schema: z.union([mapping, mappingList]),
    },
    isConditional: true,
    errors: {
      400: { ...invalidRequest, ...invalidReference, ...invalidCursor },
      404: { not_mirrored: 'The image is not mirrored (yet).' },
    },
  },
  {
    method: 'post',
    path: '/v1/mappings/resolve',
    operationId: 'resolveMappings',
    tag: 'Mappings',
    summary: 'Where many images are',
    description:
      'A read by POST, since many references do not fit into an address. A tag and a digest that disagree are answered by the digest.',
    access: 'read',
    body: { schema: resolveBody, example: { images: [exampleImage] } },
    answer: { status: 200, description: 'What each reference resolves to', schema: resolved },
    errors: { 400: { ...invalidJson, ...invalidRequest }, 413: tooLarge },
  },
  {
    method: 'get',
    path: '/v1/mappings/history',
    operationId: 'getMappingHistory',
    tag: 'Mappings',
    summary: 'Which digests a tag was mapped to',
    access: 'read',
    query: historyQuery,
    answer: { status: 200, description: 'The history, the latest first', schema: history },
    isConditional: true,
    errors: { 400: { ...invalidRequest, ...invalidReference }, 404: neverMirrored },
  },
  {
    ...change('rollback'),
    summary: 'Put a tag back to an earlier digest, and pin it',
    description:
      'The digest is one of the tag’s history, and the mirror must still hold it: that is looked up before the job is queued.',
    body: { schema: rollbackBody, example: { image: exampleImage, digest: exampleDigest } },
    errors: {
      400: { ...invalidJson, ...invalidRequest, ...invalidReference },
      404: { not_mirrored: 'The tag is not mirrored, or never had this digest within `mirror.history`.' },
      409: { gone: 'The mirror does not hold the digest any more.' },
      503: { ...notQueued, mirror_unavailable: 'The mirror registry did not answer: try again.' },
    },
  },
  {
    ...change('pin'),
    summary: 'Keep a tag where it is, whatever is pushed',
    body: { schema: tagBody, example: { image: exampleImage } },
    errors: {
      400: { ...invalidJson, ...invalidRequest, ...invalidReference },
      404: { not_mirrored: 'The tag is not mapped.' },
      503: notQueued,
    },
  },
  {
    ...change('unpin'),
    summary: 'Let a tag follow its upstream again',
    description: 'The job looks at the upstream at once.',
    body: { schema: tagBody, example: { image: exampleImage } },
    errors: {
      400: { ...invalidJson, ...invalidRequest, ...invalidReference },
      404: neverMirrored,
      503: notQueued,
    },
  },
  {
    method: 'get',
    path: '/v1/exports/{format}',
    operationId: 'getExport',
    tag: 'Mappings',
    summary: 'The whole mapping, or part of it, in one piece',
    description:
      'From a snapshot that is rebuilt at most once a minute: polling it with `If-None-Match` costs next to nothing.',
    access: 'read',
    parameters: {
      format: z.enum(exportFormats.map(({ name }) => name)).meta({ example: 'json' }),
    },
    query: exportQuery,
    answer: {
      status: 200,
      description: 'The export',
      schema: exported,
      texts: [...new Set(exportFormats.map(({ contentType }) => contentType.replace(/;.*/, '')))].filter(
        (type) => type !== 'application/json',
      ),
      redirect: 'It exceeds the size of an answer: fetch it, compressed with gzip, from `Location`.',
    },
    isConditional: true,
    errors: {
      400: invalidRequest,
      404: { unknown_format: 'There is no such export.' },
      503: {
        not_built: 'The first snapshot is being built: try again.',
        busy: 'The snapshot was replaced while it was read: try again.',
      },
    },
  },
  {
    method: 'get',
    path: '/v1/admission',
    operationId: 'getAdmission',
    tag: 'Admission',
    summary: 'The address of the admission webhook',
    description: 'Only the operator sees its secret.',
    access: 'read',
    answer: { status: 200, description: 'The address', schema: admissionAddress },
  },
  {
    ...admission,
    path: '/v1/admission/{token}',
    operationId: 'admitPod',
    summary: 'Make a Pod use the mirror',
    description:
      'For a MutatingWebhookConfiguration. What is not mirrored stays, and so does everything if the mapping can’t be read in time.',
    parameters: { token },
  },
  {
    ...admission,
    path: '/v1/admission/{token}/{choice}',
    operationId: 'admitPodByChoice',
    summary: 'Make a Pod use the mirror, with a choice for what is not mirrored',
    parameters: {
      token,
      choice: z.enum(choiceSegments as [string, ...string[]]).meta({
        description:
          'What is not mirrored is kept, warned of, denied, or kept and enqueued; with `-tags`, references name the mirror’s tag instead of the digest.',
        example: 'warn',
      }),
    },
  },
  {
    method: 'get',
    path: '/v1/jobs',
    operationId: 'getJobs',
    tag: 'Jobs',
    summary: 'Jobs, the newest first',
    access: 'read',
    query: jobsQuery,
    answer: { status: 200, description: 'A page of the list', schema: jobList },
    errors: { 400: { ...invalidRequest, ...invalidReference, ...invalidCursor } },
  },
  {
    method: 'get',
    path: '/v1/jobs/{id}',
    operationId: 'getJob',
    tag: 'Jobs',
    summary: 'One job',
    access: 'read',
    parameters: { id: z.string().meta({ example: exampleJob }) },
    answer: { status: 200, description: 'The job', schema: job },
    errors: { 404: { not_found: 'There is no job with this id; jobs are kept for 30 days.' } },
  },
  {
    method: 'post',
    path: '/v1/jobs/redrive',
    operationId: 'redriveJobs',
    tag: 'Jobs',
    summary: 'Try jobs again',
    description:
      'The newest first, a page for each request. The image of a failed job gets a new job, unless it was mirrored since, a job of it is under way, or no rule names it any more. The message of a job that is not finished is sent once more; one that waits then runs now.',
    access: 'write',
    body: { schema: redriveBody, example: { state: 'failed', since: '2026-11-30T09:00:00Z' } },
    answer: { status: 202, description: 'What is tried again', schema: redrivenJobs },
    errors: {
      400: { ...invalidJson, ...invalidRequest, ...invalidReference, ...invalidCursor },
      503: notQueued,
    },
  },
  {
    method: 'post',
    path: '/v1/mirrors',
    operationId: 'mirrorImages',
    tag: 'Jobs',
    summary: 'Mirror images on demand',
    description: 'All or none: one image that no rule of mirror.yaml names is enough to refuse the request.',
    access: 'write',
    body: { schema: mirrorsBody, example: { images: [exampleImage] } },
    answer: { status: 202, description: 'A job for each image', schema: queuedJobs },
    errors: {
      400: { ...invalidJson, ...invalidRequest, ...invalidReference },
      403: { not_configured: 'No rule names one of the images.' },
      503: notQueued,
    },
  },
  {
    method: 'post',
    path: '/v1/reconcile',
    operationId: 'reconcile',
    tag: 'Jobs',
    summary: 'Compare upstreams with the mirror now',
    description:
      'Within a minute, the tags that the rules select are compared with the mappings, and the mappings with the mirror; what differs is queued, with the trigger `reconcile`. Events go first: jobs are queued in batches. With `dryRun`, nothing is changed: `GET /v1/reconcile` then returns what would be done. A comparison happens by itself as often as a rule’s `reconcile` says.',
    access: 'write',
    body: { schema: reconcileBody, example: { repository: 'ghcr.io/acme/shop' } },
    answer: { status: 202, description: 'What will be compared', schema: reconcileRequested },
    errors: {
      400: { ...invalidJson, ...invalidRequest, ...invalidReference },
      403: { not_configured: 'No rule covers the repository.' },
    },
  },
  {
    method: 'post',
    path: '/v1/retention',
    operationId: 'cleanUp',
    tag: 'Jobs',
    summary: 'Delete images that nobody needs, or tell which they are',
    description:
      'A pass begins within a minute, and goes through the repositories whose rules have `retention`. By default it only reports what it would delete. Without a request, a pass deletes once a day.',
    access: 'write',
    body: { schema: retentionBody, example: { repository: 'ghcr.io/acme/shop', dryRun: true } },
    answer: { status: 202, description: 'The pass', schema: retentionPass },
    errors: {
      400: { ...invalidJson, ...invalidRequest, ...invalidReference },
      403: { not_configured: 'No rule with `retention` covers the repository.' },
    },
  },
  {
    method: 'get',
    path: '/v1/retention/{id}',
    operationId: 'getRetention',
    tag: 'Jobs',
    summary: 'What a pass of retention did so far',
    access: 'read',
    parameters: { id: z.string().meta({ example: exampleJob }) },
    query: retentionQuery,
    answer: { status: 200, description: 'The pass, and some of its repositories', schema: retentionPass },
    errors: {
      400: invalidRequest,
      404: { not_found: 'There is no pass with this id; they are kept for 30 days.' },
    },
  },
  {
    method: 'get',
    path: '/v1/reconcile',
    operationId: 'getReconcile',
    tag: 'Jobs',
    summary: 'What the latest comparison did, and what the latest dry run found',
    description:
      'Of an upstream, or of one of its repositories. The upstream’s own figures are in `GET /v1/status`.',
    access: 'read',
    query: reconcileQuery,
    answer: { status: 200, description: 'The latest comparison and dry run', schema: reconcileState },
    errors: {
      400: invalidRequest,
      404: { not_configured: 'mirror.yaml has no such upstream.' },
    },
  },
  {
    method: 'get',
    path: '/v1/webhooks',
    operationId: 'getWebhooks',
    tag: 'Webhooks',
    summary: 'The webhooks of mirror.yaml',
    description: 'Only the operator sees secrets.',
    access: 'read',
    answer: { status: 200, description: 'All of them', schema: webhookList },
  },
  {
    method: 'post',
    path: '/v1/webhooks/{name}/rotate',
    operationId: 'rotateWebhook',
    tag: 'Webhooks',
    summary: 'Make a new secret for a webhook',
    access: 'write',
    parameters: { name: z.string().meta({ example: 'github' }) },
    body: { schema: rotateBody, isOptional: true, example: { keepSeconds: 3_600 } },
    answer: { status: 200, description: 'The webhook with its new secret', schema: webhook },
    errors: {
      400: { ...invalidJson, ...invalidRequest },
      404: { not_found: 'mirror.yaml has no webhook with this name.' },
      409: {
        no_secret: 'Its sender signs with a key of its own.',
        conflict: 'Somebody else is rotating the secret.',
      },
    },
  },
  {
    method: 'get',
    path: '/v1/status',
    operationId: 'getStatus',
    tag: 'Service',
    summary: 'How the deployment is doing',
    access: 'read',
    answer: { status: 200, description: 'Counts of jobs, upstreams and webhooks', schema: status },
  },
  {
    method: 'get',
    path: '/',
    operationId: 'getPage',
    tag: 'Service',
    summary: 'The status page',
    description: 'It holds no data: it asks for a token, and reads the rest of this API from the browser.',
    access: 'open',
    answer: { status: 200, description: 'The page', texts: ['text/html'] },
    isConditional: true,
  },
  {
    method: 'get',
    path: '/web/{version}/{file}',
    operationId: 'getPageFile',
    tag: 'Service',
    summary: 'A file of the status page',
    access: 'open',
    parameters: {
      version: z.string().meta({ description: 'As in the addresses in the page.', example: 'any' }),
      file: z.string().meta({ example: 'app.js' }),
    },
    answer: {
      status: 200,
      description: 'The file. Browsers may keep it if the version is the current one.',
      texts: ['text/css', 'text/javascript', 'image/svg+xml'],
    },
    isConditional: true,
    errors: { 404: { not_found: 'The page has no such file.' } },
  },
  {
    method: 'get',
    path: '/v1/savings',
    operationId: 'getSavings',
    tag: 'Service',
    summary: 'What was mirrored each day, and how much of it was not transferred',
    description:
      'A job counts when it has published an image; one that finds what is mirrored already does not. Counters are kept for 400 days, and may miss a job.',
    access: 'read',
    query: savingsQuery,
    answer: { status: 200, description: 'A sum for each day', schema: savings },
    errors: { 400: invalidRequest },
  },
  {
    method: 'get',
    path: '/healthz',
    operationId: 'getHealth',
    tag: 'Service',
    summary: 'Whether the API answers',
    access: 'open',
    answer: {
      status: 200,
      description: 'It does',
      schema: z.object({ status: z.literal('ok') }).meta({ id: 'Health' }),
    },
  },
];
