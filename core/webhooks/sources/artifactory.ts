import * as z from 'zod';
import type { Upstream } from '../../config/config.ts';
import { textLike } from '../../config/fields.ts';
import type { WebhookSource } from '../source.ts';
import { hostOption } from './shared/options.ts';
import {
  type EventReading,
  excerpt,
  ignore,
  imageDeleted,
  imagePushed,
  malformed,
  outcomeOf,
} from './shared/outcome.ts';
import { isUpstreamHost, otherRegistry, urlHost } from './shared/upstream-host.ts';

const options = z.strictObject({
  /**
   * The host of the platform's base URL, if it is neither the upstream's registry nor its
   * endpoint's host.
   */
  host: hostOption,
  /**
   * The key of the virtual repository in the names of images (`HOST/KEY/IMAGE`). Pushes are
   * reported with the key of the local repository that they went to. Absent: the event's key is
   * used.
   */
  virtual: textLike({ what: 'the key of a repository', example: 'docker' }, /^[\w.-]{1,64}$/).optional(),
  /**
   * The key of the repository, if the upstream's registry is a single repository. Absent: the key
   * is the first part of an image's name.
   */
  repository: textLike(
    { what: 'the key of a repository', example: 'docker-local' },
    /^[\w.-]{1,64}$/,
  ).optional(),
});

type Options = z.output<typeof options>;

const decision = z.object({ domain: z.string(), event_type: z.string() });
const pushed = z.object({
  data: z.object({
    repo_key: z.string(),
    path: z.string(),
    tag: z.string().nullish(),
    sha256: z.unknown().optional(),
  }),
  /** Older versions, and installations without a base URL, leave it out. */
  jpd_origin: z.string().nullish(),
});

const header = 'x-jfrog-event-auth';
/** `team/app/1.0/manifest.json`; `image_name` is the last part of the name only. */
const manifestPath = /^(?<image>.+)\/(?<version>[^/]+)\/(?:list\.)?manifest\.json$/;

/**
 * JFrog Artifactory. The header carries the secret itself or, with payload signing, an HMAC.
 * https://docs.jfrog.com/integrations/docs/predefined-webhooks
 */
export const artifactory: WebhookSource<Options> = {
  name: 'artifactory',
  title: 'JFrog Artifactory',
  optionsSchema: options,
  authentication: () => ({
    kind: 'any',
    of: [
      { kind: 'hmac', header, algorithm: 'sha256', encoding: 'hex', prefix: '' },
      { kind: 'header', header },
    ],
  }),
  receive: ({ body, upstream, options }) => outcomeOf([read(body, upstream, options)]),
  sample({ registry, repository, tag, digest }, { host, repository: key, virtual }) {
    const [first = '', ...rest] = key === undefined ? repository.split('/') : [key, repository];
    if (virtual !== undefined) rest.splice(0, rest.length, repository.replace(`${virtual}/`, ''));
    const path = `${rest.join('/')}/${tag}/manifest.json`;
    return {
      body: {
        domain: 'docker',
        event_type: 'pushed',
        data: { repo_key: first, path, tag, sha256: digest.replace(/^sha256:/, '') },
        jpd_origin: `https://${host ?? registry}`,
      },
    };
  },
  guide: {
    example: 'acme.jfrog.io',
    where:
      'Administration → General Management → Webhooks (newer versions: Platform → Integrations → Webhooks)',
    steps: [
      'Choose *New Webhook*, and keep *Predefined*. Name: `{name}`. URL: `{url}`.',
      'Under *Events*, choose *Docker Tag was Pushed* (for rules with `deleted: unmap`, *Docker Tag was Deleted* as well), then the Docker repositories to mirror.',
      'Under *Authentication*, *Secret token*: `{secret}`. Select *Use secret for payload signing*. Without it, the token itself is sent, which is also accepted.',
      'Save. The test button sends example values, which are answered 202 and listed as ignored.',
    ],
    accepted: 'the event `pushed` of the domain `docker`, with a tag',
    deleted: 'the event `deleted` of the domain `docker`, with a tag',
    ignored: {
      not_an_image: 'the domain is not `docker`',
      not_a_push: 'another event, such as `promoted`',
      cache: 'the repository is the cache of a remote one (`…-cache`)',
      no_tag: 'the manifest is stored under its digest, like the children of an index',
      other_registry: 'the host of `jpd_origin` is neither the upstream nor the option `host`',
      other_repository: '`data.repo_key` is not the option `repository`',
    },
    reference:
      'the upstream’s registry, `data.repo_key` (unless the option `repository` is set), and `data.path` without its last two parts',
    notes: [
      'If images are called `HOST/KEY/IMAGE` (the *repository path* method), nothing else is needed. If a repository has a host or port of its own (`KEY.HOST/IMAGE`, `HOST:5001/IMAGE`), use that as the upstream’s `registry`. Set `webhook.options.repository` to its key, and `webhook.options.host` to the host of the platform’s base URL unless that is `HOST` in `KEY.HOST`.',
      'Payloads of older versions have no `jpd_origin`; they are taken to be from the upstream.',
      'Pushes to a virtual repository are reported with the key of the local one that they went to. If images are named after the virtual one (`HOST/VIRTUAL/IMAGE`), set `webhook.options.virtual` to its key, and `webhook.options.repository` to the key of the local one.',
    ],
    documentation: 'https://docs.jfrog.com/integrations/docs/predefined-webhooks',
  },
};

function read(body: unknown, upstream: Upstream, { host, repository: key, virtual }: Options): EventReading {
  const decided = decision.safeParse(body);
  if (!decided.success) return ignore(malformed(decided.error, body));
  const { domain, event_type: type } = decided.data;
  if (domain !== 'docker') return ignore(`not_an_image: domain is ${excerpt(domain)}`);
  const isDeletion = type === 'deleted';
  if (!isDeletion && type !== 'pushed') return ignore(`not_a_push: event_type is ${excerpt(type)}`);

  const parsed = pushed.safeParse(body);
  if (!parsed.success) return ignore(malformed(parsed.error, body));
  const { data, jpd_origin: origin } = parsed.data;
  if (data.repo_key.endsWith('-cache'))
    return ignore(`cache: data.repo_key is ${excerpt(data.repo_key)}, the cache of a remote repository`);
  const { image, version } = manifestPath.exec(data.path)?.groups ?? {};
  if (image === undefined || version === undefined)
    return ignore(`malformed: data.path is not that of a manifest: ${excerpt(data.path)}`);
  if (/^sha256(?::|__)/.test(version)) return ignore(`no_tag: data.path is ${excerpt(data.path)}`);
  if (!data.tag) return ignore('no_tag: data.tag is missing or empty');

  if (key !== undefined && data.repo_key !== key)
    return ignore(
      `other_repository: data.repo_key is ${excerpt(data.repo_key)}, and the webhook is for ${key}`,
    );
  if (origin) {
    const found = urlHost(origin);
    if (found === undefined) return ignore(`malformed: jpd_origin is not a URL: ${excerpt(origin)}`);
    const names = key === undefined ? [found] : [found, `${key}.${found}`];
    if (!names.some((name) => isUpstreamHost(upstream, name, host)))
      return otherRegistry('the host of jpd_origin', found, upstream);
  }
  const path = `${virtual ?? data.repo_key}/${image}`;
  const repository = key !== undefined && virtual === undefined ? image : path;
  const named = { registry: upstream.registry, repository, tag: data.tag };
  const paths = {
    repository: key === undefined ? 'data.repo_key and data.path' : 'data.path',
    tag: 'data.tag',
  };
  // The manifest may still have other tags: each has a file of its own.
  if (isDeletion) return imageDeleted(named, paths);
  const digest = typeof data.sha256 === 'string' ? `sha256:${data.sha256}` : undefined;
  return imagePushed(named, paths, digest);
}
