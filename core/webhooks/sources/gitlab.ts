import * as z from 'zod';
import type { WebhookSource } from '../source.ts';
import { readDistributionEnvelope } from './shared/distribution-events.ts';
import { readImageList, sampleImageList } from './shared/image-list.ts';
import { hostOption } from './shared/options.ts';
import { excerpt, hasField, ignore, outcomeOf } from './shared/outcome.ts';

const options = z.strictObject({
  /**
   * What GitLab calls its registry, if that is neither the upstream's registry nor its
   * endpoint's host.
   */
  host: hostOption,
});

type Options = z.output<typeof options>;

/** GitLab's own events; none of them is about the registry. */
const ownEvent = z.object({ object_kind: z.string() });

/**
 * GitLab. It has no webhook event for its registry, so pushes are reported in one of three ways: by
 * a webhook with a custom template, by a CI job, or by the registry itself, which is Distribution.
 */
export const gitlab: WebhookSource<Options> = {
  name: 'gitlab',
  title: 'GitLab',
  home: 'registry.gitlab.com',
  optionsSchema: options,
  authentication: () => ({
    kind: 'any',
    of: [{ kind: 'standard-webhooks' }, { kind: 'header', header: 'x-gitlab-token' }],
  }),
  receive({ body, upstream, options: { host } }) {
    if (hasField(body, 'events')) return outcomeOf(readDistributionEnvelope(body, upstream, host));
    const own = ownEvent.safeParse(body);
    if (own.success && !hasField(body, 'images'))
      return outcomeOf([ignore(`not_a_push: the event is ${excerpt(own.data.object_kind)}`)]);
    return outcomeOf(readImageList(body, upstream, host));
  },
  sample: (image, { host }) => ({ body: sampleImageList(image, host) }),
  guide: {
    where: 'project → Settings → CI/CD, or → Webhooks; self-managed: `gitlab.rb`',
    steps: [
      'GitLab has no event for a push to its registry. Choose one of the following three ways.',
      '**A CI job**, on GitLab.com and elsewhere. Open *Settings*, then *CI/CD*, then *Variables*, of the project or of its group. Add the variable `DRAYAGE_SECRET` with the value `{secret}`. Select *Masked*, and *Protected* only if the tags are protected, since other jobs do not get a protected variable. Then add a job after the one that pushes:\n\n```yaml\nmirror:\n  stage: .post\n  image: curlimages/curl\n  rules:\n    - if: $CI_COMMIT_TAG\n  script:\n    - >-\n      curl --fail-with-body --retry 3 {url}\n      --header "Content-Type: application/json"\n      --header "X-Gitlab-Token: $DRAYAGE_SECRET"\n      --data "{\\"images\\": [\\"$CI_REGISTRY_IMAGE:$CI_COMMIT_TAG\\"]}"\n```',
      '**A webhook with a custom template**, if the push is followed by something that GitLab has an event for, such as a release. Open *Settings*, then *Webhooks*, and choose *Add new webhook*. URL: `{url}`. Signing token: `{secret}` (in versions without it, enter the same as *Secret token*). Trigger: *Releases events*. Custom webhook template: `{"images": ["{registry}/group/project:{{tag}}"]}`.',
      "**The registry itself**, self-managed. Add to `/etc/gitlab/gitlab.rb`, then run `gitlab-ctl reconfigure`:\n\n```ruby\nregistry['notifications'] = [\n  {\n    'name' => '{name}',\n    'url' => '{url}',\n    'timeout' => '2s',\n    'maxretries' => 10,\n    'backoff' => '10s',\n    'headers' => { 'X-Gitlab-Token' => ['{secret}'] }\n  }\n]\n```\n\nOlder versions have `'threshold' => 3` instead of `maxretries`.",
    ],
    accepted:
      'each image of `{"images": ["registry/repository:tag", …]}`, and pushes of tags in an envelope of CNCF Distribution',
    deleted: 'each event of an envelope with the action `delete`, and a tag or a digest',
    ignored: {
      not_a_push: 'one of GitLab’s own events, or another action in an envelope, such as `pull` or `mount`',
      not_an_image: 'a blob in an envelope',
      no_tag: 'an image has no tag, or was pushed by digest; in an envelope, a whole repository was deleted',
      other_registry:
        'the image’s registry, or `request.host`, is neither the upstream’s registry, its endpoint’s host nor the option `host`',
    },
    reference: 'the image as it is written; in an envelope, the upstream’s registry and `target.repository`',
    notes: [
      'Signed deliveries follow Standard Webhooks: `webhook-signature`, no older than five minutes. In GitLab’s API, the secret is the field `signing_token` of a webhook.',
      'GitLab disables a webhook after repeated failures. Authentic deliveries are therefore answered 202 even if they are ignored.',
      'An image with a digest, `registry/repository:tag@sha256:…`, is only looked at a minute later if that digest is already mapped.',
      'At most 1,000 images of a list are read.',
    ],
    documentation: 'https://docs.gitlab.com/user/project/integrations/webhooks/',
  },
};
