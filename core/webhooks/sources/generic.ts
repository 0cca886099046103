import * as z from 'zod';
import type { WebhookSource } from '../source.ts';
import { readImageList, sampleImageList } from './shared/image-list.ts';
import { hostOption } from './shared/options.ts';
import { outcomeOf } from './shared/outcome.ts';

const options = z.strictObject({
  /**
   * What the sender calls the registry, if that is neither the upstream's registry nor its
   * endpoint's host.
   */
  host: hostOption,
});

type Options = z.output<typeof options>;

/**
 * Any sender that can sign according to Standard Webhooks: a CI job, or a registry without a source
 * of its own.
 */
export const generic: WebhookSource<Options> = {
  name: 'generic',
  title: 'a sender of your own',
  optionsSchema: options,
  authentication: () => ({ kind: 'standard-webhooks' }),
  receive: ({ body, upstream, options: { host } }) => outcomeOf(readImageList(body, upstream, host)),
  sample: (image, { host }) => ({ body: sampleImageList(image, host) }),
  guide: {
    where: 'a CI job, or anything that can make an HMAC',
    steps: [
      'Store `{secret}` as a secret of the CI system, which jobs get as the variable `DRAYAGE_SECRET`.',
      'After the push, sign the list of images and send it:\n\n```sh\nbody=\'{"images":["{registry}/team/app:1.0"]}\'\nid="msg_$(openssl rand -hex 16)"\ntimestamp="$(date +%s)"\nkey="$(printf %s "$DRAYAGE_SECRET" | sed s/^whsec_// | openssl base64 -d -A | od -An -v -tx1 | tr -d \' \\n\')"\nsignature="$(printf %s "$id.$timestamp.$body" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | openssl base64 -A)"\ncurl --fail-with-body --silent --show-error --retry 3 {url} \\\n  -H \'content-type: application/json\' \\\n  -H "webhook-id: $id" -H "webhook-timestamp: $timestamp" -H "webhook-signature: v1,$signature" \\\n  --data-binary "$body"\n```',
      'The answer lists under `accepted` what was queued, and under `ignored` the rest, with reasons.',
    ],
    accepted: 'each item of `images`, `registry/repository:tag`, up to 1,000 of them',
    ignored: {
      no_tag: 'the item has no tag; `latest` must be written out, too',
      other_registry:
        'the item’s registry is neither the upstream’s registry, its endpoint’s host nor the option `host`',
    },
    reference: 'the item, which is the whole reference; a digest after the tag is only a hint',
    notes: [
      'The scheme is that of [Standard Webhooks](https://www.standardwebhooks.com), for which there are libraries in many languages. The key is the base64 text after `whsec_`; the signature covers `id.timestamp.body`.',
      'A signature is valid for five minutes: sign again before a later retry.',
    ],
    documentation:
      'https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md',
  },
};
