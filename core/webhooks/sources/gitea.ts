import type { WebhookSource } from '../source.ts';
import { type GiteaOptions, giteaPackages } from './shared/gitea-packages.ts';

const packages = giteaPackages('gitea');

/** Gitea's package registry. */
export const gitea: WebhookSource<GiteaOptions> = {
  ...packages,
  name: 'gitea',
  title: 'Gitea',
  guide: {
    ...packages.guide,
    where: 'organisation, user or repository → Settings → Webhooks',
    steps: [
      'Open the settings of the organisation or user that owns the packages (all of them), or of the repository that they are linked to, then *Webhooks → Add Webhook → Gitea*.',
      'Target URL: `{url}`. HTTP method: POST. POST content type: `application/json`. Secret: `{secret}`.',
      'Trigger on: *Custom Events…*, then *Package* and nothing else.',
      'Choose *Add Webhook*. *Test Delivery* sends an event that is no push of an image, which is answered 202 and listed as ignored.',
    ],
    notes: [
      'Gitea delivers only to hosts that `[webhook] ALLOWED_HOST_LIST` of `app.ini` allows: by default external ones, so that an API in a private network has to be added.',
      'A package’s page, and so the host that payloads name, is under `[server] ROOT_URL`. Where images are pulled under another name, write that URL’s host into `webhook.options.host`.',
      'Gitea does not deliver again by itself; a delivery can be sent again from the webhook’s page.',
    ],
    documentation: 'https://docs.gitea.com/usage/webhooks',
  },
};
