import * as z from 'zod';
import type { Upstream } from '../../../config/config.ts';
import type { WebhookSource } from '../../source.ts';
import { readDistributionEvent, sampleDistributionEvent } from '../shared/distribution-events.ts';
import { headerOption, hostOption, placeOption } from '../shared/options.ts';
import { type EventReading, excerpt, fieldAt, ignore, outcomeOf, readEach } from '../shared/outcome.ts';
import { answerHandshake, answerValidation, eventGridType } from './event-grid.ts';

const options = z.strictObject({
  /**
   * Where the secret is: Event Grid sends a subscription's headers with events, but not while it
   * validates the subscription.
   */
  authentication: placeOption,
  /** The custom header, or delivery property, that carries the secret. */
  header: headerOption('Authorization'),
  /**
   * What clients call the registry, if that is neither the upstream's registry nor its
   * endpoint's host.
   */
  host: hostOption,
});

type Options = z.output<typeof options>;

/** Event Grid puts up to a megabyte of events into a delivery, each of about a kilobyte. */
const maxEvents = 10_000;

/**
 * Azure Container Registry, by its own webhooks or by Event Grid, whose events have the body of a
 * webhook as their data.
 * https://learn.microsoft.com/azure/container-registry/container-registry-webhook-reference
 * https://learn.microsoft.com/azure/event-grid/event-schema-container-registry
 */
export const acr: WebhookSource<Options> = {
  name: 'acr',
  title: 'Azure Container Registry',
  optionsSchema: options,
  authentication: ({ authentication, header }) =>
    authentication === 'path' ? { kind: 'path-token' } : { kind: 'header', header: header.toLowerCase() },
  handshake: answerHandshake,
  receive({ body, upstream, options: { host } }) {
    const [first] = Array.isArray(body) ? body : [body];
    const answer = answerValidation(first, Array.isArray(body) ? 'body[0]' : 'body');
    if (answer !== undefined) return answer;
    if (Array.isArray(body))
      return outcomeOf(
        readEach(body, 'body', maxEvents, (event, path) => readGridEvent(event, path, upstream, host)),
      );
    if (eventGridType(body) !== undefined) return outcomeOf([readGridEvent(body, '', upstream, host)]);
    if (isPing(body))
      return { kind: 'answer', status: 200, headers: {}, body: { accepted: [], ignored: [] } };
    return outcomeOf([readDistributionEvent(body, '', upstream, host)]);
  },
  sample: (image, { host }) => ({ body: sampleDistributionEvent(image, host) }),
  guide: {
    where: 'registry → Services → Webhooks, or → Events',
    example: 'acme.azurecr.io',
    steps: [
      'Choose one of two ways. **A webhook of the registry**, which is simpler: open the registry in the portal, then *Services*, then *Webhooks*, and choose *Add*. Name: 5 to 50 letters and digits. Service URI: `{url}`. Custom headers: `{header}: {secret}`. Actions: *push*, and *delete* for rules with `deleted: unmap` (`--actions push delete`). Status: *on*. Scope: empty for all repositories, or `repository:*` for one (without `:*`, only its tag `latest`). Or:\n\n```sh\naz acr webhook create --registry myregistry --name drayage --actions push \\\n  --uri {url} --headers "{header}={secret}"\naz acr webhook ping --registry myregistry --name drayage\n```',
      '**Event Grid**, which retries for a day. Set `authentication: path` in the webhook’s options, deploy, and use the new URL. It ends with the secret, because Event Grid can send custom headers only with events, and not while it validates a subscription. Open the registry, then *Events*, and choose *Event Subscription*. Event schema: *Cloud Event Schema v1.0* or *Event Grid Schema*. Filter to event types: *Image Pushed*, and *Image Deleted* for rules with `deleted: unmap`. Endpoint type: *Web Hook*. Endpoint: the URL. Or:\n\n```sh\naz eventgrid event-subscription create --name drayage \\\n  --source-resource-id "$(az acr show --name myregistry --query id --output tsv)" \\\n  --included-event-types Microsoft.ContainerRegistry.ImagePushed \\\n  --event-delivery-schema cloudeventschemav1_0 \\\n  --endpoint URL\n```\n\n`URL` is the one that ends with the secret; `drayage webhooks list {name} --secrets` now shows it.',
    ],
    accepted:
      'the action `push`, or the event `Microsoft.ContainerRegistry.ImagePushed`, with a tag and the media type of a manifest',
    deleted:
      'the action `delete`, or the event `Microsoft.ContainerRegistry.ImageDeleted`, with a tag or a digest',
    ignored: {
      not_a_push: 'another action or event, such as `quarantine`, `chart_push` or `chart_delete`',
      not_an_image: 'the media type of a push is not that of a manifest',
      no_tag: 'the push was by digest, like those of the children of an index',
      other_registry:
        '`request.host` is neither the upstream’s registry, its endpoint’s host nor the option `host`',
    },
    reference: 'the upstream’s registry and `target.repository`',
    notes: [
      'Drayage answers a webhook’s `ping`, and both ways in which Event Grid validates a subscription. It never fetches a URL that a request names.',
      'The registry’s own webhooks time out after five seconds and do not retry: request what they lost (`POST /v1/mirrors`), or use Event Grid, which retries for a day.',
      'A webhook of a geo-replicated registry covers one region: add one in each region that is pushed to, all with the same URL.',
      'Event Grid drops an event for good if the answer is 401 or 413: check that the secret is right.',
    ],
    documentation: 'https://learn.microsoft.com/azure/container-registry/container-registry-webhook',
  },
};

const gridTypes = ['Microsoft.ContainerRegistry.ImagePushed', 'Microsoft.ContainerRegistry.ImageDeleted'];

const ping = z.object({ action: z.literal('ping') });

function isPing(body: unknown): boolean {
  return ping.safeParse(body).success;
}

/** @param path the event's path in the payload; empty: it is the body */
function readGridEvent(
  event: unknown,
  path: string,
  upstream: Upstream,
  host: string | undefined,
): EventReading {
  const type = eventGridType(event);
  if (type === undefined)
    return ignore(`malformed: ${path || 'body'} has neither a type nor an eventType that is a string`);
  if (!gridTypes.includes(type))
    return ignore(`not_a_push: ${path || 'body'} is of the type ${excerpt(type)}`);
  const { data } = event as { data?: unknown };
  return readDistributionEvent(data, fieldAt(path, 'data'), upstream, host);
}
