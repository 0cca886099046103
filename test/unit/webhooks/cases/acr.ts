import { mediaTypes } from '../../../../core/oci/media-types.ts';
import { fixture } from '../fixture.ts';
import type { SourceCases } from '../source-cases.ts';

const push = (changes: Record<string, unknown> = {}) => ({ body: fixture('acr-push', changes) });
const cloud = (changes: Record<string, unknown> = {}) => ({
  body: fixture('acr-grid-cloudevent', changes),
  headers: { 'content-type': 'application/cloudevents+json' },
});
const grid = (changes: Record<string, unknown> = {}) => ({ body: fixture('acr-grid-events', changes) });
const validation = (changes: Record<string, unknown> = {}) => ({
  body: fixture('acr-grid-validation', changes),
  headers: { 'aeg-event-type': 'SubscriptionValidation' },
});
const image = 'acme.azurecr.io/shop/app:1.0';
const pushed = 'sha256:80f0d5c8786bb9e621a45ece0db56d11cdc624ad20da9fe62e9d25490f331d7d';
const gridPushed = 'sha256:213bbc182920ab41e18edc2001e06abcca6735d87782d9cef68abd83941cf0e5';
const deleted = 'kept: the rule shop/** keeps what is deleted upstream (deleted: keep)';
const nothing = { accepted: [], ignored: [] };
const allowed = {
  status: 200,
  headers: {
    allow: 'POST, OPTIONS',
    'webhook-allowed-origin': 'eventgrid.azure.net',
    'webhook-allowed-rate': '*',
  },
  body: nothing,
};

export const cases: SourceCases = {
  upstreams: `
  - registry: acme.azurecr.io
    webhook: { source: acr, name: it }
    repositories: [{ match: "shop/**" }]`,
  variants: {
    'the secret in the path': `
  - registry: acme.azurecr.io
    webhook: { source: acr, name: it, options: { authentication: path } }
    repositories: [{ match: "shop/**" }]`,
    'options of its own': `
  - registry: acme.azurecr.io
    webhook: { source: acr, name: it, options: { header: X-Secret, host: registry.acme.example } }
    repositories: [{ match: "shop/**" }]`,
  },
  accepted: {
    'a push': { ...push(), images: [image], digests: [pushed] },
    'a push of an index': { ...push({ 'target.mediaType': mediaTypes.ociIndex }), images: [image] },
    'a CloudEvent of Event Grid': { ...cloud(), images: [image], digests: [gridPushed] },
    'a batch in Event Grid’s schema': {
      ...grid(),
      images: [image],
      digests: [gridPushed],
      ignored: [deleted],
    },
    'a batch of CloudEvents': { body: [cloud().body], images: [image] },
    'Event Grid with the secret in the path': {
      ...cloud(),
      variant: 'the secret in the path',
      images: [image],
    },
    'the option host, under another header': {
      ...push({ 'request.host': 'registry.acme.example' }),
      variant: 'options of its own',
      images: [image],
    },
    'a host in upper case': { ...push({ 'request.host': 'ACME.azurecr.io' }), images: [image] },
    'only the fields that decide': {
      body: {
        action: 'push',
        target: { mediaType: mediaTypes.ociManifest, repository: 'shop/app', tag: '1.0' },
        request: { host: 'acme.azurecr.io' },
      },
      images: [image],
    },
    'a batch with one odd event, which is otherwise accepted': {
      body: [null, {}, { eventType: 7 }, cloud().body],
      images: [image],
      ignored: [0, 1, 2].map(
        (index) => `malformed: body[${index}] has neither a type nor an eventType that is a string`,
      ),
    },
  },
  deletions: {
    'a deletion': { body: fixture('acr-delete'), images: [`acme.azurecr.io/shop/app@${pushed}`] },
    'a deletion that names a tag': {
      body: fixture('acr-delete', { 'target.tag': '1.0' }),
      images: [`${image}@${pushed}`],
    },
    'a deletion reported by Event Grid': {
      ...cloud({ type: 'Microsoft.ContainerRegistry.ImageDeleted', 'data.action': 'delete' }),
      images: [`${image}@${gridPushed}`],
    },
    'a batch in Event Grid’s schema': {
      ...grid(),
      images: [`acme.azurecr.io/shop/app@${gridPushed}`],
    },
  },
  ignored: {
    'a quarantined image': {
      ...push({ action: 'quarantine' }),
      reasons: ['not_a_push: action is "quarantine"'],
    },
    'a chart': { body: fixture('acr-chart'), reasons: ['not_a_push: action is "chart_push"'] },
    'a chart reported by Event Grid': {
      ...grid({ '0.eventType': 'Microsoft.ContainerRegistry.ChartPushed' }),
      reasons: ['not_a_push: body[0] is of the type "Microsoft.ContainerRegistry.ChartPushed"', deleted],
    },
    'an action in Event Grid that is not a push': {
      ...cloud({ 'data.action': 'quarantine' }),
      reasons: ['not_a_push: data.action is "quarantine"'],
    },
    'what is not a manifest': {
      ...push({ 'target.mediaType': 'application/vnd.acr.helm.chart' }),
      reasons: ['not_an_image: target.mediaType is "application/vnd.acr.helm.chart"'],
    },
    'no tag': {
      ...push({ 'target.tag': undefined }),
      reasons: ['no_tag: target.tag is missing or empty'],
    },
    'an empty tag': { ...push({ 'target.tag': '' }), reasons: ['no_tag: target.tag is missing or empty'] },
    'another registry': {
      ...push({ 'request.host': 'evil.azurecr.io' }),
      reasons: [
        'other_registry: request.host is "evil.azurecr.io", and the webhook’s upstream is acme.azurecr.io; see webhook.options.host',
      ],
    },
    'another registry in Event Grid': {
      ...grid({ '0.data.request.host': 'evil.azurecr.io' }),
      reasons: [
        'other_registry: body[0].data.request.host is "evil.azurecr.io", and the webhook’s upstream is acme.azurecr.io; see webhook.options.host',
        deleted,
      ],
    },
    'an empty batch': { body: [], reasons: [] },
    'no action': {
      ...push({ action: undefined }),
      reasons: ['malformed: action must be a string, found nothing'],
    },
    'no target': {
      ...push({ target: undefined }),
      reasons: ['malformed: target must be an object, found nothing'],
    },
    'no media type': {
      ...push({ 'target.mediaType': null }),
      reasons: ['malformed: target.mediaType must be a string, found null'],
    },
    'a tag that is a number': {
      ...push({ 'target.tag': 1 }),
      reasons: ['malformed: target.tag must be a string, found a number'],
    },
    'an odd tag': {
      ...push({ 'target.tag': 'a b' }),
      reasons: ['malformed: target.tag is not a tag: "a b"'],
    },
    'no repository': {
      ...push({ 'target.repository': undefined }),
      reasons: ['malformed: target.repository must be a string, found nothing'],
    },
    'an odd repository': {
      ...push({ 'target.repository': 'Shop//app' }),
      reasons: ['malformed: target.repository names no repository: "Shop//app"'],
    },
    'no host': {
      ...push({ 'request.host': undefined }),
      reasons: ['malformed: request.host must be a string, found nothing'],
    },
    'a CloudEvent without data': {
      ...cloud({ data: undefined }),
      reasons: ['malformed: data must be an object, found nothing'],
    },
    'a text': { body: '"push"', reasons: ['malformed: body must be an object, found a string'] },
    'a validation without a code': {
      ...validation({ '0.data.validationCode': undefined }),
      reasons: ['malformed: body[0].data.validationCode must be a string, found nothing'],
    },
    'a validation whose code is too long': {
      ...validation({ '0.data.validationCode': 'x'.repeat(201) }),
      reasons: [`malformed: body[0].data.validationCode is too long: "${'x'.repeat(80)}…"`],
    },
    'a repository that no rule names': {
      ...push({ 'target.repository': 'evil/app' }),
      reasons: ['not_configured: no rule of acme.azurecr.io matches evil/app'],
    },
  },
  answered: {
    'a ping': { body: fixture('acr-ping'), answer: { status: 200, body: nothing } },
    'Event Grid’s validation': {
      ...validation(),
      answer: { status: 200, body: { validationResponse: '512d38b6-c7b8-40c8-89fe-f46f9e9622b6' } },
    },
    'Event Grid’s validation with the secret in the path': {
      ...validation(),
      variant: 'the secret in the path',
      answer: { status: 200, body: { validationResponse: '512d38b6-c7b8-40c8-89fe-f46f9e9622b6' } },
    },
    'the handshake of CloudEvents': {
      method: 'OPTIONS',
      body: '',
      headers: {
        'webhook-request-origin': 'eventgrid.azure.net',
        'webhook-request-rate': '120',
        'webhook-request-callback': 'https://rp-westeurope.eventgrid.azure.net:553/validate?id=1',
      },
      answer: allowed,
    },
    'the handshake of CloudEvents with the secret in the path': {
      method: 'OPTIONS',
      body: '',
      headers: { 'webhook-request-origin': 'eventgrid.azure.net' },
      variant: 'the secret in the path',
      answer: allowed,
    },
  },
};
