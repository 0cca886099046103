import type { WebhookSource } from '../source.ts';
import { type GiteaOptions, giteaPackages } from './shared/gitea-packages.ts';

const packages = giteaPackages('forgejo');

/** Forgejo's package registry, such as Codeberg's. */
export const forgejo: WebhookSource<GiteaOptions> = {
  ...packages,
  name: 'forgejo',
  title: 'Forgejo',
  guide: {
    ...packages.guide,
    where: 'organisation, user or repository → Settings → Webhooks',
    steps: [
      'Open the settings of the organisation or user that owns the packages (all of them), or of the repository that they are linked to, then *Webhooks → Add webhook → Forgejo*.',
      'Target URL: `{url}`. HTTP method: POST. POST content type: `application/json`. Secret: `{secret}`. Leave the authorisation header empty.',
      'Trigger on: *Custom events…*, then *Package* and nothing else.',
      'Choose *Add webhook*. *Test delivery* sends an event that is not a push of an image; it is answered 202 and listed as ignored.',
    ],
    notes: [
      'Choose the type *Forgejo*, not *Gitea*: the signature is expected in `X-Forgejo-Signature`.',
      'Forgejo delivers only to hosts that `[webhook] ALLOWED_HOST_LIST` of `app.ini` allows. The default is external hosts, so an API in a private network must be added.',
      'Payloads name the host of `[server] ROOT_URL`. If images are pulled under another name, write that URL’s host into `webhook.options.host`.',
      'Forgejo does not retry by itself; you can send a delivery again from the webhook’s page.',
    ],
    documentation: 'https://forgejo.org/docs/latest/user/webhooks/',
  },
};
