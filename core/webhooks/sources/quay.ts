import * as z from 'zod';
import type { Upstream } from '../../config/config.ts';
import type { WebhookSource } from '../source.ts';
import { hostOption } from './shared/options.ts';
import {
  type EventReading,
  excerpt,
  ignore,
  imagePushed,
  malformed,
  outcomeOf,
  readEach,
} from './shared/outcome.ts';
import { isUpstreamHost, otherRegistry } from './shared/upstream-host.ts';

const options = z.strictObject({
  /**
   * What Quay calls itself (`SERVER_HOSTNAME`), if that is neither the upstream's registry nor
   * its endpoint's host.
   */
  host: hostOption,
});

type Options = z.output<typeof options>;

const decision = z.object({
  updated_tags: z.unknown().optional(),
  pruned_image_count: z.unknown().optional(),
});
const pushed = z.object({ docker_url: z.string() });
const list = z.object({ updated_tags: z.array(z.unknown()) });
const tagText = z.string();

/** A push moves one tag, or a few. */
const maxTags = 1000;

/**
 * Quay.io, or a self-hosted Red Hat Quay. Notifications do not name their event, so a push is
 * recognised by `updated_tags`.
 * https://docs.redhat.com/en/documentation/red_hat_quay/3.8/html/use_red_hat_quay/repository_notifications
 */
export const quay: WebhookSource<Options> = {
  name: 'quay',
  title: 'Quay',
  home: 'quay.io',
  optionsSchema: options,
  authentication: () => ({ kind: 'path-token' }),
  receive: ({ body, upstream, options: { host } }) => outcomeOf(read(body, upstream, host)),
  sample: ({ registry, repository, tag }, { host }) => ({
    body: { docker_url: `${host ?? registry}/${repository}`, updated_tags: [tag] },
  }),
  guide: {
    where: 'repository → Settings → Events and Notifications',
    steps: [
      'Open the repository, then *Settings*, and under *Events and Notifications* choose *Create Notification*. Notifications belong to one repository; repeat this for each.',
      'When this event occurs: *Push to Repository*. Then issue a notification: *Webhook POST*.',
      'Webhook URL: `{url}`. Its last part is the secret: anyone who has it can trigger jobs. Leave *POST JSON body template* empty.',
      'Notification title: `{name}`. Choose *Create Notification*.',
      'From the menu of the new row, choose *Test Notification*: it is answered 202 and leads to no job.',
    ],
    accepted: 'a push of tags: one job for each of `updated_tags`',
    ignored: {
      not_a_push: 'a notification without `updated_tags`, such as that of a build',
      no_tag: 'no tag was moved',
      other_registry:
        'the host in `docker_url` is neither the upstream’s registry, its endpoint’s host nor the option `host`',
      test: '`pruned_image_count` is present: only the test button sends it, with tags that do not exist',
    },
    reference: 'the upstream’s registry, the path of `docker_url`, and each of `updated_tags`',
    notes: [
      'Quay can neither sign nor send custom headers, so the secret is part of the URL.',
      'Quay disables a notification after three failures in a row; enable it again from its row’s menu.',
    ],
    documentation:
      'https://docs.redhat.com/en/documentation/red_hat_quay/3.8/html/use_red_hat_quay/repository_notifications',
  },
};

function read(body: unknown, upstream: Upstream, host: string | undefined): EventReading[] {
  const decided = decision.safeParse(body);
  if (!decided.success) return [ignore(malformed(decided.error, body))];
  if (decided.data.pruned_image_count !== undefined)
    return [ignore('test: pruned_image_count is there, which only Quay’s test button sends')];
  if (decided.data.updated_tags === undefined)
    return [ignore('not_a_push: updated_tags is missing, so that this is another notification')];

  const named = pushed.safeParse(body);
  if (!named.success) return [ignore(malformed(named.error, body))];
  const { docker_url: url } = named.data;
  const slash = url.indexOf('/');
  if (slash < 0) return [ignore(`malformed: docker_url names no repository: ${excerpt(url)}`)];
  const written = url.slice(0, slash);
  if (!isUpstreamHost(upstream, written, host)) return [otherRegistry('docker_url', written, upstream)];

  const listed = list.safeParse({ ...decided.data, updated_tags: tagsOf(decided.data.updated_tags) });
  if (!listed.success) return [ignore(malformed(listed.error, body))];
  const tags = listed.data.updated_tags;
  if (tags.length === 0) return [ignore('no_tag: updated_tags is empty')];
  return readEach(tags, 'updated_tags', maxTags, (item, path) => {
    const tag = tagText.safeParse(item);
    if (!tag.success) return ignore(malformed(tag.error, item, path));
    return imagePushed(
      { registry: upstream.registry, repository: url.slice(slash + 1), tag: tag.data },
      { repository: 'docker_url', tag: path },
    );
  });
}

/** Old versions send an object: a tag and the id that it points to, which is not a digest. */
function tagsOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value) : value;
}
