import * as z from 'zod';
import type { Upstream } from '../../../config/config.ts';
import { httpUrl, shown, text, textLike } from '../../../config/fields.ts';
import { InvalidReferenceError, parseReference, type Reference } from '../../../oci/reference.ts';
import type { WebhookSource } from '../../source.ts';
import {
  type EventReading,
  excerpt,
  fieldAt,
  hasField,
  ignore,
  imageDeleted,
  imagePushed,
  malformed,
  outcomeOf,
} from '../shared/outcome.ts';
import { isUpstreamHost } from '../shared/upstream-host.ts';

const loopback = ['localhost', '127.0.0.1', '[::1]'];

/** Keys that came over a connection that others can tamper with would prove nothing. */
const keysUrl = text({ what: 'an https URL', example: 'https://issuer.example/keys' }, (value) => {
  const url = httpUrl(value);
  if (url?.protocol === 'https:' || (url && loopback.includes(url.hostname))) return undefined;
  return `${shown(value)} is not an https URL; write, for example, https://issuer.example/keys`;
});

const options = z
  .strictObject({
    /**
     * The service account that pushes. Anybody can get a token from Google, so this has no default.
     */
    email: textLike(
      {
        what: 'the address of a service account',
        example: 'push@project.iam.gserviceaccount.com',
        missing: 'write the address of the service account that pushes',
      },
      /^[^\s@]{1,200}@[^\s@]{1,200}$/,
    ),
    /** `--push-auth-token-audience` of the subscription. */
    audience: textLike(
      { what: 'the audience of the subscription’s tokens', example: 'drayage' },
      /^\S{1,1000}$/,
    ).optional(),
    /** Who signs, if not Google. */
    issuer: textLike(
      { what: 'the issuer as written in its tokens', example: 'https://issuer.example' },
      /^https?:\/\/\S{1,1000}$/,
    ).optional(),
    /** Where the issuer's keys are: its own, or a copy of Google's in a closed network. */
    jwks: keysUrl.optional(),
  })
  .superRefine(({ issuer, jwks }, context) => {
    if (issuer === undefined || jwks !== undefined) return;
    const message =
      'is missing; another issuer has other keys, so write where they are, for example: jwks: https://issuer.example/keys';
    context.addIssue({ code: 'custom', path: ['jwks'], message });
  });

type Options = z.output<typeof options>;

const envelope = z.object({ message: z.object({ data: z.string() }) });
const decision = z.object({ action: z.string(), tag: z.string().nullish(), digest: z.unknown().optional() });

/**
 * Google Artifact Registry, by a push subscription of Pub/Sub, which authenticates with an ID token
 * from Google. https://docs.cloud.google.com/pubsub/docs/authenticate-push-subscriptions
 */
export const gar: WebhookSource<Options> = {
  name: 'gar',
  title: 'Google Artifact Registry',
  optionsSchema: options,
  authentication: ({ email, audience, issuer, jwks }) => ({
    kind: 'oidc',
    // Google uses both forms.
    issuers: issuer === undefined ? ['https://accounts.google.com', 'accounts.google.com'] : [issuer],
    jwksUri: jwks ?? 'https://www.googleapis.com/oauth2/v3/certs',
    email,
    ...(audience !== undefined && { audience }),
  }),
  receive({ body, upstream }) {
    if (!hasField(body, 'message')) return outcomeOf([read(body, '', upstream)]);
    const wrapped = envelope.safeParse(body);
    if (!wrapped.success) return outcomeOf([ignore(malformed(wrapped.error, body))]);
    const decoded = decode(wrapped.data.message.data);
    if ('problem' in decoded) return outcomeOf([ignore(`malformed: message.data ${decoded.problem}`)]);
    return outcomeOf([read(decoded.value, 'message.data', upstream)]);
  },
  sample({ registry, repository, tag, digest }) {
    const name = `${registry}/${repository}`;
    const event = { action: 'INSERT', digest: `${name}@${digest}`, tag: `${name}:${tag}` };
    return { body: { message: { data: Buffer.from(JSON.stringify(event)).toString('base64') } } };
  },
  guide: {
    where: 'the Google Cloud project of the repositories: the Pub/Sub topic `gcr`',
    example: 'europe-docker.pkg.dev',
    steps: [
      'Artifact Registry publishes to the topic `gcr`, which exists once its API has been activated. If it does not, create it:\n\n```sh\ngcloud pubsub topics create gcr --project PROJECT\n```',
      'Create the service account whose tokens the deliveries carry, and write its address into `webhook.options.email` of `mirror.yaml`:\n\n```sh\ngcloud iam service-accounts create drayage-push --project PROJECT\n```',
      'In a project created before April 2021, allow Pub/Sub to create tokens for it:\n\n```sh\ngcloud iam service-accounts add-iam-policy-binding drayage-push@PROJECT.iam.gserviceaccount.com --project PROJECT --member serviceAccount:service-PROJECT_NUMBER@gcp-sa-pubsub.iam.gserviceaccount.com --role roles/iam.serviceAccountTokenCreator\n```',
      'Create the push subscription:\n\n```sh\ngcloud pubsub subscriptions create drayage-{name} --project PROJECT --topic gcr --push-endpoint {url} --push-auth-service-account drayage-push@PROJECT.iam.gserviceaccount.com\n```\n\nThe audience of its tokens is the URL. With `--push-auth-token-audience`, write the same into `webhook.options.audience`.',
    ],
    accepted: 'a message with the action `INSERT` and a tag, wrapped or not',
    deleted: 'a message with the action `DELETE`, and a tag or a digest',
    ignored: {
      not_a_push: 'another action',
      no_tag: 'the message has no tag, as after a push by digest',
      other_registry:
        '`tag`, or `digest` of a deletion, names a registry other than the upstream, such as another location of the project',
    },
    reference: '`tag`, which is the whole reference',
    notes: [
      'There is no secret: Google signs an ID token for the configured service account, and Drayage verifies it with Google’s public keys.',
      'The topic has the events of all repositories and locations of the project. Each upstream, such as `europe-docker.pkg.dev`, has a webhook and a subscription of its own, and ignores the events of other locations.',
      'If the answer is not 2xx, Pub/Sub retries for seven days unless the subscription says otherwise.',
      '`webhook.options.issuer` and `webhook.options.jwks` name another issuer and its keys; `jwks` alone names a copy of Google’s keys in a closed network.',
    ],
    documentation: 'https://docs.cloud.google.com/artifact-registry/docs/configure-notifications',
  },
};

function decode(data: string): { value: unknown } | { problem: string } {
  if (data.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(data)) return { problem: 'is not base64' };
  try {
    return { value: JSON.parse(Buffer.from(data, 'base64').toString('utf8')) };
  } catch {
    return { problem: 'is not JSON in base64' };
  }
}

function read(event: unknown, path: string, upstream: Upstream): EventReading {
  const decided = decision.safeParse(event);
  if (!decided.success) return ignore(malformed(decided.error, event, path));
  const { action, tag, digest } = decided.data;
  const field = (name: string) => fieldAt(path, name);
  const isDeletion = action === 'DELETE';
  if (!isDeletion && action !== 'INSERT')
    return ignore(`not_a_push: ${field('action')} is ${excerpt(action)}`);
  if (isDeletion && !tag && typeof digest === 'string')
    return readDeletedDigest(digest, field('digest'), upstream);
  if (!tag) return ignore(`no_tag: ${field('tag')} is missing or empty`);
  const noReference = `malformed: ${field('tag')} is not a reference with a tag: ${excerpt(tag)}`;
  if (!/:[^:/@]+$/.test(tag)) return ignore(noReference);
  const reference = referenceIn(tag);
  if (reference === undefined) return ignore(noReference);
  if (!isUpstreamHost(upstream, reference.registry)) return elsewhere(field('tag'), reference, upstream);
  const image = { registry: upstream.registry, repository: reference.repository, tag: reference.tag ?? '' };
  const hint = typeof digest === 'string' ? digest.slice(digest.indexOf('@') + 1) : undefined;
  const paths = { repository: field('tag'), tag: field('tag') };
  return isDeletion ? imageDeleted({ ...image, digest: hint }, paths) : imagePushed(image, paths, hint);
}

/** A deleted manifest: `digest` is its whole reference. */
function readDeletedDigest(text: string, path: string, upstream: Upstream): EventReading {
  const reference = text.includes('@') ? referenceIn(text) : undefined;
  if (reference === undefined)
    return ignore(`malformed: ${path} is not a reference with a digest: ${excerpt(text)}`);
  if (!isUpstreamHost(upstream, reference.registry)) return elsewhere(path, reference, upstream);
  const { repository, digest } = reference;
  return imageDeleted({ registry: upstream.registry, repository, digest }, { repository: path, tag: path });
}

function referenceIn(text: string): Reference | undefined {
  try {
    return parseReference(text);
  } catch (error) {
    if (error instanceof InvalidReferenceError) return undefined;
    throw error;
  }
}

function elsewhere(path: string, { registry }: Reference, upstream: Upstream): EventReading {
  return ignore(
    `other_registry: ${path} is at ${excerpt(registry)}, and the webhook’s upstream is ${upstream.registry}`,
  );
}
