import * as z from 'zod';
import type { Upstream } from '../../config/config.ts';
import { InvalidReferenceError, parseReference, type Reference } from '../../oci/reference.ts';
import type { WebhookSource } from '../source.ts';
import { headerOption, placeOption } from './shared/options.ts';
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
} from './shared/outcome.ts';
import { parsePackageUrl } from './shared/package-url.ts';
import { isUpstreamHost } from './shared/upstream-host.ts';

const options = z.strictObject({
  /**
   * Where the secret is: CDEvents does not specify authentication, and not every sender can set a
   * header.
   */
  authentication: placeOption,
  header: headerOption('Authorization'),
});

type Options = z.output<typeof options>;

/** A version follows, such as `0.3.0`; the fields that we read are the same in all versions. */
const published = 'dev.cdevents.artifact.published.';
const deleted = 'dev.cdevents.artifact.deleted.';

const decision = z.object({ context: z.object({ type: z.string() }) });
const subject = z.object({ subject: z.object({ id: z.string() }) });

/**
 * CDEvents, which build systems send. The subject of an artifact event is a package URL:
 * `pkg:oci/app@sha256%3A…` with the qualifiers `repository_url` and `tag`.
 * https://github.com/package-url/purl-spec
 */
export const cdevents: WebhookSource<Options> = {
  name: 'cdevents',
  title: 'CDEvents',
  optionsSchema: options,
  authentication: ({ authentication, header }) =>
    authentication === 'path'
      ? { kind: 'path-token' }
      : { kind: 'header', header: header.toLowerCase(), schemes: ['bearer', 'basic'] },
  receive({ body, upstream }) {
    const isWrapped = hasField(body, 'data') && !hasField(body, 'context');
    return outcomeOf([isWrapped ? read(body.data, 'data', upstream) : read(body, '', upstream)]);
  },
  sample({ registry, repository, tag, digest }) {
    const name = repository.slice(repository.lastIndexOf('/') + 1);
    const location = `repository_url=${registry}/${repository}&tag=${tag}`;
    return {
      body: {
        context: { type: `${published}0.3.0` },
        subject: { id: `pkg:oci/${name}@${encodeURIComponent(digest)}?${location}` },
      },
    };
  },
  guide: {
    where: 'the sender, or the broker that passes its events on: an HTTP subscription',
    steps: [
      'Send the event `dev.cdevents.artifact.published` by POST to `{url}`, as it is or as a CloudEvent, binary or structured.',
      'Set the header `{header}` to `{secret}`, to `Bearer {secret}`, or to Basic credentials with any user name and `{secret}` as the password.',
      'If the sender can’t set headers, write `webhook.options.authentication: path` into `mirror.yaml`, deploy, and use the new URL, which ends with the secret.',
      'Make sure that `subject.id` is a package URL of the type `oci` that has a repository and a tag: `pkg:oci/app@sha256%3A…?repository_url={registry}/team/app&tag=1.0`.',
    ],
    accepted: 'an event whose type begins with `dev.cdevents.artifact.published.`, for an image with a tag',
    deleted: 'an event whose type begins with `dev.cdevents.artifact.deleted.`, with a tag or a digest',
    ignored: {
      not_a_push: 'another event, such as `artifact.packaged`, `artifact.signed` or `pipelinerun.finished`',
      not_an_image: 'a package whose type is not `oci`',
      no_tag: 'the package URL has no qualifier `tag`; that of a deleted image has no digest either',
      other_registry: '`repository_url` is not at the upstream’s registry',
    },
    reference: '`subject.id`: the qualifiers `repository_url` and `tag`',
    notes: [
      'CDEvents are sent by build systems rather than registries. If an image is not there yet when its event arrives, Drayage looks for it for ten minutes; then the job fails.',
    ],
    documentation: 'https://github.com/cdevents/spec/blob/main/continuous-integration.md',
  },
};

function read(event: unknown, path: string, upstream: Upstream): EventReading {
  const field = (key: string) => fieldAt(path, key);
  const decided = decision.safeParse(event);
  if (!decided.success) return ignore(malformed(decided.error, event, path));
  const { type } = decided.data.context;
  const isDeletion = type.startsWith(deleted);
  if (!isDeletion && !type.startsWith(published))
    return ignore(`not_a_push: ${field('context.type')} is ${excerpt(type)}`);

  const parsed = subject.safeParse(event);
  if (!parsed.success) return ignore(malformed(parsed.error, event, path));
  const { id } = parsed.data.subject;
  const wrong = (problem: string) => ignore(`malformed: ${field('subject.id')} ${problem}: ${excerpt(id)}`);
  const purl = parsePackageUrl(id);
  if (purl === undefined) return wrong('is not a package URL');
  if (purl.type !== 'oci')
    return ignore(`not_an_image: ${field('subject.id')} has the type ${excerpt(purl.type)}`);
  const tag = purl.qualifiers.get('tag');
  if (tag === undefined && !isDeletion) return ignore(`no_tag: ${field('subject.id')} has no qualifier tag`);
  const location = purl.qualifiers.get('repository_url');
  if (location === undefined) return wrong('has no qualifier repository_url');
  const repository = readRepository(location);
  if (repository === undefined) return wrong('has a repository_url that is not a repository’s name');
  if (!isUpstreamHost(upstream, repository.registry))
    return ignore(
      `other_registry: ${field('subject.id')} is at ${excerpt(repository.registry)}, and the webhook’s upstream is ${upstream.registry}`,
    );
  const image = { registry: upstream.registry, repository: repository.repository };
  const paths = { repository: field('subject.id'), tag: field('subject.id') };
  if (isDeletion || tag === undefined) return imageDeleted({ ...image, tag, digest: purl.version }, paths);
  return imagePushed({ ...image, tag }, paths, purl.version);
}

/**
 * The repository of a location that has neither tag nor digest. The tag that is added must be the
 * only difference.
 */
function readRepository(location: string): Reference | undefined {
  try {
    return location.includes('@') ? undefined : parseReference(`${location}:x`);
  } catch (error) {
    if (error instanceof InvalidReferenceError) return undefined;
    throw error;
  }
}
