import * as z from 'zod';
import type { WebhookSource } from '../source.ts';
import { readDistributionEnvelope, sampleDistributionEvent } from './shared/distribution-events.ts';
import { headerOption, hostOption } from './shared/options.ts';
import { outcomeOf } from './shared/outcome.ts';

const options = z.strictObject({
  /** The header of the registry's `notifications.endpoints[].headers` that carries the secret. */
  header: headerOption('Authorization'),
  /**
   * What clients call the registry, if that is neither the upstream's registry nor its
   * endpoint's host.
   */
  host: hostOption,
});

type Options = z.output<typeof options>;

/** CNCF Distribution, and registries that are built on it. */
export const distribution: WebhookSource<Options> = {
  name: 'distribution',
  title: 'CNCF Distribution',
  optionsSchema: options,
  authentication: ({ header }) => ({ kind: 'header', header: header.toLowerCase() }),
  receive: ({ body, upstream, options: { host } }) =>
    outcomeOf(readDistributionEnvelope(body, upstream, host)),
  sample: (image, { host }) => ({ body: { events: [sampleDistributionEvent(image, host)] } }),
  guide: {
    where: 'the registry’s configuration: `notifications.endpoints`',
    steps: [
      'Add to the registry’s configuration file:\n\n```yaml\nnotifications:\n  endpoints:\n    - name: {name}\n      url: {url}\n      headers:\n        {header}: [{secret}]\n      timeout: 2s\n      threshold: 3\n      backoff: 10s\n      ignore:\n        actions: [pull, mount]\n```',
      'Restart the registry.',
    ],
    accepted: 'each event of the envelope with the action `push`, a tag and the media type of a manifest',
    deleted: 'each event of the envelope with the action `delete`, and a tag or a digest',
    ignored: {
      not_a_push: 'another action, such as `pull` or `mount`',
      not_an_image: 'a blob was pushed, which has the action `push`, too',
      no_tag:
        'the push was by digest, like those of the children of an index, or a whole repository was deleted',
      other_registry:
        '`request.host` is neither the upstream’s registry, its endpoint’s host nor the option `host`',
    },
    reference: 'the upstream’s registry and `target.repository`',
    notes: [
      'The registry retries until it gets a 2xx, in order, so that one refused delivery blocks all later ones: check that the secret is right.',
      'Version 2.8 sends pulls in spite of `ignore`, including those of Drayage: they are answered 202 and listed as ignored.',
      "GitLab’s self-managed registry is configured in the same way: `registry['notifications']` in `gitlab.rb`.",
    ],
    documentation: 'https://distribution.github.io/distribution/about/notifications/',
  },
};
