import * as z from 'zod';
import type { WebhookSource } from '../source.ts';
import { readImageList, sampleImageList } from './shared/image-list.ts';
import { hostOption } from './shared/options.ts';
import { outcomeOf } from './shared/outcome.ts';

const options = z.strictObject({
  /**
   * What the sender calls the registry, where that is neither the upstream's registry nor its
   * endpoint's host.
   */
  host: hostOption,
});

type Options = z.output<typeof options>;

/**
 * Whatever can sign as Standard Webhooks do: a CI job, a registry that has no source of its own.
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
      'Put `{secret}` into a secret of the CI system that jobs get as the variable `DRAYAGE_SECRET`.',
      'After the push, sign the list of images and send it:\n\n```sh\nbody=\'{"images":["{registry}/team/app:1.0"]}\'\nid="msg_$(openssl rand -hex 16)"\ntimestamp="$(date +%s)"\nkey="$(printf %s "$DRAYAGE_SECRET" | sed s/^whsec_// | openssl base64 -d -A | od -An -v -tx1 | tr -d \' \\n\')"\nsignature="$(printf %s "$id.$timestamp.$body" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | openssl base64 -A)"\ncurl --fail-with-body --silent --show-error --retry 3 {url} \\\n  -H \'content-type: application/json\' \\\n  -H "webhook-id: $id" -H "webhook-timestamp: $timestamp" -H "webhook-signature: v1,$signature" \\\n  --data-binary "$body"\n```',
      'The answer lists under `accepted` what was queued, and under `ignored` the rest, with reasons.',
    ],
    accepted: 'each item of `images`, `registry/repository:tag`, of which there may be 1,000',
    ignored: {
      no_tag: 'the item has no tag; `latest` has to be written, too',
      other_registry:
        'the item is at neither the upstream’s registry, its endpoint’s host nor the option `host`',
    },
    reference: 'the item, which is the whole reference; a digest after the tag is a hint only',
    notes: [
      'The scheme is that of [Standard Webhooks](https://www.standardwebhooks.com), for which there are libraries in many languages. The key is what stands behind `whsec_`, in base64; the signature covers `id.timestamp.body`.',
      'A delivery counts for five minutes: sign again before trying again later.',
    ],
    documentation:
      'https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md',
  },
};
