import * as z from 'zod';
import type { Upstream } from '../../config/config.ts';
import { isDigest } from '../../oci/digest.ts';
import type { WebhookSource } from '../source.ts';
import { headerOption, hostOption } from './shared/options.ts';
import {
  type EventReading,
  excerpt,
  ignore,
  imageDeleted,
  imagePushed,
  malformed,
  outcomeOf,
  readEach,
} from './shared/outcome.ts';
import { isUpstreamHost, otherRegistry } from './shared/upstream-host.ts';

const options = z.strictObject({
  /** The header that Harbor puts its *Auth Header* in; a proxy may move it. */
  header: headerOption('Authorization'),
  /**
   * The host of Harbor's `external_url`, if that is neither the upstream's registry nor its
   * endpoint's host.
   */
  host: hostOption,
});

type Options = z.output<typeof options>;

/** The names of a push in the default format, in Harbor 1.x and in the CloudEvents format. */
const cloudPush = 'harbor.artifact.pushed';
const pushTypes = ['PUSH_ARTIFACT', 'pushImage', cloudPush];
/**
 * The same for a deletion. It names the artifact's digest and one of its tags, or the digest twice.
 * https://github.com/goharbor/harbor/blob/main/src/controller/event/handler/webhook/artifact/artifact.go
 */
const cloudDeletion = 'harbor.artifact.deleted';
const deletionTypes = ['DELETE_ARTIFACT', 'deleteImage', cloudDeletion];

const decision = z.object({ type: z.string() });
const content = z.object({ resources: z.array(z.unknown()) });
const named = z.object({ repository: z.object({ repo_full_name: z.string() }) });
const tagged = z.object({ tag: z.string().nullish(), digest: z.unknown().optional() });
const placed = z.object({ resource_url: z.string() });

/** Harbor sends one resource, or those of one index. */
const maxResources = 1000;

/**
 * Harbor, in its default payload format or as CloudEvents, whose data is the default format's
 * `event_data`.
 * https://goharbor.io/docs/edge/working-with-projects/project-configuration/configure-webhooks/
 */
export const harbor: WebhookSource<Options> = {
  name: 'harbor',
  title: 'Harbor',
  optionsSchema: options,
  authentication: ({ header }) => ({ kind: 'header', header: header.toLowerCase() }),
  receive: ({ body, upstream, options: { host } }) => outcomeOf(read(body, upstream, host)),
  sample({ registry, repository, tag, digest }, { host }) {
    const url = `${host ?? registry}/${repository}:${tag}`;
    const resources = [{ digest, tag, resource_url: url }];
    return {
      body: { type: 'PUSH_ARTIFACT', event_data: { resources, repository: { repo_full_name: repository } } },
    };
  },
  guide: {
    where: 'project → Webhooks',
    steps: [
      'Open the project, then *Webhooks*, and choose *New Webhook*. Webhooks belong to one project; repeat this for each.',
      'Name: `{name}`. Notify type: *http*. Payload format: *Default* or *CloudEvents*. Event type: *Artifact pushed* (for rules with `deleted: unmap`, *Artifact deleted* as well), and nothing else.',
      'Endpoint URL: `{url}`. Auth Header: `{secret}`, without *Bearer* before it. Leave *Verify Remote Certificate* on.',
      'Choose *Add*, then push an image: *Test Endpoint* does not send an event.',
    ],
    accepted:
      'a pushed artifact with a tag, each of several resources: `PUSH_ARTIFACT`, `pushImage`, `harbor.artifact.pushed`',
    deleted:
      'the event type `DELETE_ARTIFACT`, `deleteImage` or `harbor.artifact.deleted`, with one or more resources',
    ignored: {
      not_a_push: 'another type of event',
      no_tag:
        'the push was by digest, like those of the children of an index; Harbor sends the digest as the tag',
      other_registry:
        'the host in `resource_url` is neither the upstream’s registry, its endpoint’s host nor the option `host`',
    },
    reference: 'the upstream’s registry, `repository.repo_full_name`, and `tag` of each resource',
    notes: [
      'Harbor tries a delivery three times. Failed ones are listed under the webhook’s executions; request their images (`POST /v1/mirrors`).',
      'Harbor reports charts and other artifacts in the same way; the job finds out what is not an image.',
      'Harbor does not report that a tag was removed from an artifact that stays: the next comparison of the repository finds that.',
      'Images that a replication brings into Harbor count as pushed.',
    ],
    documentation:
      'https://goharbor.io/docs/latest/working-with-projects/project-configuration/configure-webhooks/',
  },
};

function read(body: unknown, upstream: Upstream, host: string | undefined): EventReading[] {
  const decided = decision.safeParse(body);
  if (!decided.success) return [ignore(malformed(decided.error, body))];
  const { type } = decided.data;
  const isDeletion = deletionTypes.includes(type);
  if (!isDeletion && !pushTypes.includes(type)) return [ignore(`not_a_push: type is ${excerpt(type)}`)];

  const at = type === cloudPush || type === cloudDeletion ? 'data' : 'event_data';
  const data = (body as Record<string, unknown>)[at];
  const parsed = content.safeParse(data);
  if (!parsed.success) return [ignore(malformed(parsed.error, data, at))];
  return readEach(parsed.data.resources, `${at}.resources`, maxResources, (resource, path) => {
    const pushed = tagged.safeParse(resource);
    if (!pushed.success) return ignore(malformed(pushed.error, resource, path));
    const { tag, digest } = pushed.data;
    if (!tag && !isDeletion) return ignore(`no_tag: ${path}.tag is missing or empty`);
    if (!isDeletion && isDigest(tag)) return ignore(`no_tag: ${path}.tag is the digest`);

    const place = placed.safeParse(resource);
    if (!place.success) return ignore(malformed(place.error, resource, path));
    // Only the host is taken: what follows it differs between versions.
    const [written = ''] = place.data.resource_url.split('/', 1);
    if (!isUpstreamHost(upstream, written, host))
      return otherRegistry(`the host of ${path}.resource_url`, written, upstream);
    const name = named.safeParse(data);
    if (!name.success) return ignore(malformed(name.error, data, at));
    const image = { registry: upstream.registry, repository: name.data.repository.repo_full_name };
    const paths = { repository: `${at}.repository.repo_full_name`, tag: `${path}.tag` };
    if (isDeletion || !tag) return imageDeleted({ ...image, tag, digest }, paths);
    return imagePushed({ ...image, tag }, paths, digest);
  });
}
