import * as z from 'zod';
import { textLike } from '../../config/fields.ts';
import type { WebhookSource } from '../source.ts';
import {
  type EventReading,
  excerpt,
  ignore,
  imageDeleted,
  imagePushed,
  malformed,
  outcomeOf,
} from './shared/outcome.ts';

const options = z.strictObject({
  /**
   * The name of the Nexus repository whose connector the upstream's registry is. Absent: the events
   * of all repositories count.
   */
  repository: textLike(
    { what: 'the name of a Nexus repository', example: 'docker-hosted' },
    /^[\w.-]{1,200}$/,
  ).optional(),
});

type Options = z.output<typeof options>;

/**
 * The event of the capability *Webhook: Repository* that reports images; `rm:repository:asset`
 * reports blobs, too.
 */
const componentEvents = 'rm:repository:component';
const pushActions = ['CREATED', 'UPDATED'];
/** `PURGED`: a task removed what was not used for long. */
const deletionActions = ['DELETED', 'PURGED'];

const decision = z.object({ action: z.string() });
const typed = z.object({ component: z.object({ format: z.string() }) });
const placed = z.object({ repositoryName: z.string() });
const named = z.object({ component: z.object({ name: z.string(), version: z.string().nullish() }) });

/**
 * Sonatype Nexus Repository. A payload names a Nexus repository and no host: each repository has a
 * connector, which is a registry of its own. Nexus only supports HMAC-SHA1, which is not broken as
 * a MAC. https://help.sonatype.com/en/example-headers-and-payloads.html
 */
export const nexus: WebhookSource<Options> = {
  name: 'nexus',
  title: 'Sonatype Nexus Repository',
  optionsSchema: options,
  authentication: () => ({
    kind: 'hmac',
    header: 'x-nexus-webhook-signature',
    algorithm: 'sha1',
    encoding: 'hex',
    prefix: '',
  }),
  receive: ({ headers, body, upstream, options: { repository } }) =>
    outcomeOf([read(headers['x-nexus-webhook-id'], body, upstream.registry, repository)]),
  sample: ({ repository, tag }, { repository: repositoryName = 'docker-hosted' }) => ({
    headers: { 'x-nexus-webhook-id': componentEvents },
    body: {
      repositoryName,
      action: 'CREATED',
      component: { format: 'docker', name: repository, version: tag },
    },
  }),
  guide: {
    where: 'Settings → System → Capabilities',
    steps: [
      'Sign in as an administrator, open *Settings → System → Capabilities*, choose *Create capability*, and select the type *Webhook: Repository*.',
      'Repository: the Docker repository whose connector is `{registry}`. Event types: *component* and nothing else.',
      'URL: `{url}`. Secret key: `{secret}`.',
      'Choose *Create capability*. Nexus sends nothing before the next push.',
    ],
    accepted:
      'the event `rm:repository:component` for a component of the format `docker` with a tag, created or updated',
    deleted: 'the same event with the action `DELETED` or `PURGED`',
    ignored: {
      not_a_push: 'another event, such as `rm:repository:asset`, or another action',
      not_an_image: 'a component whose format is not `docker`',
      no_tag: 'the version of a push is a digest, as for the children of an index',
      other_repository: '`repositoryName` is not the option `repository`',
    },
    reference: 'the upstream’s registry and `component.name`',
    notes: [
      'In Nexus, each Docker repository has a connector (a port or a subdomain) of its own, and payloads name no host. An upstream is one connector. If a webhook of Nexus is for all repositories, set `webhook.options.repository` to the name of the one that the connector serves.',
      'Nexus can sign only with HMAC-SHA1. It does not retry.',
    ],
    documentation: 'https://help.sonatype.com/en/enabling-a-repository-webhook-capability.html',
  },
};

function read(
  event: string | undefined,
  body: unknown,
  registry: string,
  repository: string | undefined,
): EventReading {
  if (event === undefined) return ignore('malformed: the header X-Nexus-Webhook-Id is missing');
  if (event !== componentEvents) return ignore(`not_a_push: the event is ${excerpt(event)}`);

  const decided = decision.safeParse(body);
  if (!decided.success) return ignore(malformed(decided.error, body));
  const { action } = decided.data;
  const isDeletion = deletionActions.includes(action);
  if (!isDeletion && !pushActions.includes(action)) return ignore(`not_a_push: action is ${excerpt(action)}`);

  const format = typed.safeParse(body);
  if (!format.success) return ignore(malformed(format.error, body));
  if (format.data.component.format !== 'docker')
    return ignore(`not_an_image: component.format is ${excerpt(format.data.component.format)}`);

  if (repository !== undefined) {
    const place = placed.safeParse(body);
    if (!place.success) return ignore(malformed(place.error, body));
    if (place.data.repositoryName !== repository)
      return ignore(
        `other_repository: repositoryName is ${excerpt(place.data.repositoryName)}, and the webhook is for ${repository}`,
      );
  }
  const parsed = named.safeParse(body);
  if (!parsed.success) return ignore(malformed(parsed.error, body));
  const { name, version } = parsed.data.component;
  const paths = { repository: 'component.name', tag: 'component.version' };
  if (isDeletion) return imageDeleted({ registry, repository: name, tag: version }, paths);
  if (!version) return ignore('no_tag: component.version is missing or empty');
  if (version.startsWith('sha256:')) return ignore('no_tag: component.version is a digest');
  return imagePushed({ registry, repository: name, tag: version }, paths);
}
