import * as z from 'zod';
import type { WebhookSource } from '../source.ts';
import { readDistributionEnvelope, sampleDistributionEvent } from './shared/distribution-events.ts';
import { headerOption, hostOption } from './shared/options.ts';
import { outcomeOf } from './shared/outcome.ts';

const options = z.strictObject({
  /** Where the registry's `notifications.endpoints[].headers` puts the secret. */
  header: headerOption('Authorization'),
  /**
   * What clients call the registry, where that is neither the upstream's registry nor its
   * endpoint's host.
   */
  host: hostOption,
});

type Options = z.output<typeof options>;

/** CNCF Distribution, and whatever has it inside. */
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
      'Add to the configuration file of the registry:\n\n```yaml\nnotifications:\n  endpoints:\n    - name: {name}\n      url: {url}\n      headers:\n        {header}: [{secret}]\n      timeout: 2s\n      threshold: 3\n      backoff: 10s\n      ignore:\n        actions: [pull, mount]\n```',
      'Restart the registry.',
    ],
    accepted: 'any event of the envelope with the action `push`, a tag and the media type of a manifest',
    ignored: {
      not_a_push: 'the action is another: `pull`, `mount`, `delete`',
      not_an_image: 'a blob was pushed, which is called push too',
      no_tag: 'the push was by digest, as that of the children of an index is',
      other_registry:
        '`request.host` is neither the upstream’s registry, its endpoint’s host nor the option `host`',
    },
    reference: 'the upstream’s registry and `target.repository`',
    notes: [
      'The registry tries again until it gets a 2xx, in order, so that one refused delivery holds up all later ones: mind the secret.',
      'Version 2.8 sends pulls in spite of `ignore`, those of Drayage too: they are answered 202 and listed as ignored.',
      "GitLab’s self-managed registry is configured alike: `registry['notifications']` in `gitlab.rb`.",
    ],
    documentation: 'https://distribution.github.io/distribution/about/notifications/',
  },
};
