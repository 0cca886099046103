import * as z from 'zod';
import type { WebhookSource } from '../source.ts';
import { readDistributionEnvelope } from './shared/distribution-events.ts';
import { readImageList, sampleImageList } from './shared/image-list.ts';
import { hostOption } from './shared/options.ts';
import { excerpt, hasField, ignore, outcomeOf } from './shared/outcome.ts';

const options = z.strictObject({
  /**
   * What GitLab calls its registry, where that is neither the upstream's registry nor its
   * endpoint's host.
   */
  host: hostOption,
});

type Options = z.output<typeof options>;

/** What an event of GitLab's own says; none of them is about the registry. */
const ownEvent = z.object({ object_kind: z.string() });

/**
 * GitLab. It has no webhook event of its registry, so that one of three tells of a push: a webhook
 * with a custom template, a CI job, or the registry itself, which is Distribution's.
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
      'GitLab has no event for a push into its registry. Choose one of the following three ways.',
      '**A CI job**, at GitLab.com and elsewhere. Open *Settings*, then *CI/CD*, then *Variables*, of the project or of its group, and add the variable `DRAYAGE_SECRET` with the value `{secret}`: *Masked*, and not *Protected* unless the tags are protected, since other jobs do not get it then. Then put a job after the one that pushes:\n\n```yaml\nmirror:\n  stage: .post\n  image: curlimages/curl\n  rules:\n    - if: $CI_COMMIT_TAG\n  script:\n    - >-\n      curl --fail-with-body --retry 3 {url}\n      --header "Content-Type: application/json"\n      --header "X-Gitlab-Token: $DRAYAGE_SECRET"\n      --data "{\\"images\\": [\\"$CI_REGISTRY_IMAGE:$CI_COMMIT_TAG\\"]}"\n```',
      '**A webhook with a custom template**, where something that GitLab has an event for comes after the push, such as a release. Open *Settings*, then *Webhooks*, and choose *Add new webhook*. URL: `{url}`. Signing token: `{secret}` (where there is none yet: the same as *Secret token*). Trigger: *Releases events*. Custom webhook template: `{"images": ["{registry}/group/project:{{tag}}"]}`.',
      "**The registry itself**, self-managed. Add to `/etc/gitlab/gitlab.rb`, then run `gitlab-ctl reconfigure`:\n\n```ruby\nregistry['notifications'] = [\n  {\n    'name' => '{name}',\n    'url' => '{url}',\n    'timeout' => '2s',\n    'maxretries' => 10,\n    'backoff' => '10s',\n    'headers' => { 'X-Gitlab-Token' => ['{secret}'] }\n  }\n]\n```\n\nOlder versions have `'threshold' => 3` in the place of `maxretries`.",
    ],
    accepted:
      'each image of `{"images": ["registry/repository:tag", …]}`, and pushes of tags in an envelope of CNCF Distribution',
    ignored: {
      not_a_push: 'an event of GitLab’s own, or another action in an envelope: `pull`, `mount`, `delete`',
      not_an_image: 'a blob in an envelope',
      no_tag: 'an image is written without a tag, or was pushed by digest',
      other_registry:
        'the image’s registry, or `request.host`, is neither the upstream’s registry, its endpoint’s host nor the option `host`',
    },
    reference: 'the image as it is written; in an envelope the upstream’s registry and `target.repository`',
    notes: [
      'Signed deliveries are those of Standard Webhooks: `webhook-signature`, no older than five minutes. With the API, the secret is the field `signing_token` of a webhook.',
      'GitLab disables a webhook after repeated failures; what is authentic is answered 202 even where it leads to nothing.',
      'An image with a digest, `registry/repository:tag@sha256:…`, is looked at without haste where the mirror has that digest already.',
      'No more than 1,000 images of a list are read.',
    ],
    documentation: 'https://docs.gitlab.com/user/project/integrations/webhooks/',
  },
};
