import * as z from 'zod';
import type { Upstream } from '../../../config/config.ts';
import type { WebhookSource } from '../../source.ts';
import { hostOption } from './options.ts';
import {
  type EventReading,
  excerpt,
  ignore,
  imageDeleted,
  imagePushed,
  malformed,
  outcomeOf,
} from './outcome.ts';
import { isUpstreamHost, otherRegistry, urlHost } from './upstream-host.ts';

/** Events of the package registries of Gitea and its fork Forgejo: they differ only in names. */

const options = z.strictObject({
  /**
   * The host of the server's ROOT_URL, if that is neither the upstream's registry nor its
   * endpoint's host.
   */
  host: hostOption,
});

/** The options of Gitea's and Forgejo's webhooks. */
export type GiteaOptions = z.output<typeof options>;

const decision = z.object({ action: z.string() });
const kind = z.object({ package: z.object({ type: z.string() }) });
const published = z.object({
  package: z.object({
    owner: z.object({ login: z.string() }),
    name: z.string(),
    version: z.string(),
    html_url: z.string(),
  }),
});

/**
 * The part of a source that Gitea and Forgejo have in common. Both send each other's and GitHub's
 * headers, too; only a server's own are read. There is one event for each manifest: those of an
 * index's children come first, with digests as versions.
 *
 * @param brand the word in the headers: `x-<brand>-signature`
 */
export function giteaPackages(brand: 'gitea' | 'forgejo'): Pick<
  WebhookSource<GiteaOptions>,
  'optionsSchema' | 'authentication' | 'receive' | 'sample'
> & {
  guide: Pick<WebhookSource['guide'], 'accepted' | 'deleted' | 'ignored' | 'reference'>;
} {
  const eventHeader = `x-${brand}-event`;
  return {
    optionsSchema: options,
    authentication: () => ({
      kind: 'hmac',
      header: `x-${brand}-signature`,
      algorithm: 'sha256',
      encoding: 'hex',
      prefix: '',
    }),
    receive: ({ headers, body, upstream, options: { host } }) =>
      outcomeOf([read(headers[eventHeader], body, upstream, host)]),
    sample({ registry, repository, tag }, { host }) {
      const [login = '', ...rest] = repository.split('/');
      const name = rest.join('/');
      const page = `${login}/-/packages/container/${encodeURIComponent(name)}/${tag}`;
      return {
        headers: { [eventHeader]: 'package' },
        body: {
          action: 'created',
          package: {
            owner: { login },
            type: 'container',
            name,
            version: tag,
            html_url: `https://${host ?? registry}/${page}`,
          },
        },
      };
    },
    guide: {
      accepted: 'the event `package` with the action `created` for a container with a tag, new or moved',
      deleted: 'the event `package` with the action `deleted` for a container, by its tag or digest',
      ignored: {
        not_a_push: 'another event, such as that of the test button',
        not_an_image: 'a package whose type is not `container`',
        no_tag: 'the version of a new package is a digest, as for the children of an index',
        other_registry: 'the host of `package.html_url` is neither the upstream nor the option `host`',
      },
      reference: 'the upstream’s registry, `package.owner.login` and `package.name`, in lower case',
    },
  };
}

function read(
  event: string | undefined,
  body: unknown,
  upstream: Upstream,
  host: string | undefined,
): EventReading {
  if (event !== undefined && event !== 'package') return ignore(`not_a_push: the event is ${excerpt(event)}`);
  const decided = decision.safeParse(body);
  if (!decided.success) return ignore(malformed(decided.error, body));
  const { action } = decided.data;
  if (action !== 'created' && action !== 'deleted') return ignore(`not_a_push: action is ${excerpt(action)}`);

  const typed = kind.safeParse(body);
  if (!typed.success) return ignore(malformed(typed.error, body));
  if (typed.data.package.type !== 'container')
    return ignore(`not_an_image: package.type is ${excerpt(typed.data.package.type)}`);

  const parsed = published.safeParse(body);
  if (!parsed.success) return ignore(malformed(parsed.error, body));
  const { owner, name, version, html_url: page } = parsed.data.package;
  if (action === 'created' && version.startsWith('sha256:'))
    return ignore('no_tag: package.version is a digest');
  const found = urlHost(page);
  if (found === undefined) return ignore(`malformed: package.html_url is not a URL: ${excerpt(page)}`);
  if (!isUpstreamHost(upstream, found, host))
    return otherRegistry('the host of package.html_url', found, upstream);
  const image = {
    registry: upstream.registry,
    repository: `${owner.login}/${name}`.toLowerCase(),
    tag: version,
  };
  const paths = { repository: 'package.owner.login and package.name', tag: 'package.version' };
  return action === 'deleted' ? imageDeleted(image, paths) : imagePushed(image, paths);
}
