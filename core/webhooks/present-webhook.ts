import { type ConfiguredWebhook, webhookAddress, webhookPath } from './find-webhook.ts';
import type { SecretRoots } from './secrets/secrets.ts';
import { webhookSecret } from './secrets/secrets.ts';
import type { WebhookState } from './secrets/state.ts';
import type { WebhookAuthentication } from './source.ts';

/**
 * A webhook in the API's words: `GET /v1/webhooks`, `POST /v1/webhooks/{name}/rotate`. Times are
 * ISO 8601.
 */
export interface PresentedWebhook {
  name: string;
  /** The upstream's registry, as written in references. */
  registry: string;
  source: string;
  /** The source's name for people. */
  title: string;
  /**
   * Where the sender delivers. If it ends with a token, callers that may only read get `…` instead.
   */
  url: string;
  /**
   * What the sender signs with or sends. Absent if there is none, if it is part of the URL, or if
   * the caller may only read.
   */
  secret?: string;
  /** How deliveries are authenticated: the kind, and a description for people. */
  authentication: { kind: WebhookAuthentication['kind']; header?: string; description: string };
  /**
   * Where in the sender's settings the webhook is entered, and how: Markdown with the webhook's own
   * URL, and with its secret if `secret` is present.
   */
  where: string;
  steps: string[];
  documentation: string;
  /** The patterns of the upstream's rules. */
  repositories: string[];
  /** A rule follows deletions (`deleted: unmap`), which the sender can report. */
  deletions?: true;
  /** `webhook.options` of mirror.yaml. */
  options: Record<string, unknown>;
  deliveredAt?: string;
  acceptedAt?: string;
  refusedAt?: string;
  refusedFor?: string;
  rotatedAt?: string;
  /** Until when secrets before the current one are still accepted. */
  retiredUntil?: string;
}

/**
 * @param roots absent: the caller may not see secrets
 * @param origin scheme and host by which the API is reached
 */
export function presentWebhook(
  configured: ConfiguredWebhook,
  state: WebhookState,
  { roots, origin, now }: { roots?: SecretRoots | undefined; origin: string; now: Date },
): PresentedWebhook {
  const { webhook, upstream, source } = configured;
  const authentication = source.authentication(webhook.options);
  const { path, secret } = roots
    ? webhookAddress(configured, webhookSecret(roots.root, webhook.name, state.generation))
    : { path: webhookPath(webhook.name) + (authentication.kind === 'path-token' ? '/…' : '') };
  const url = origin + path;
  const header = headerOf(authentication);
  const values = {
    url,
    secret: secret ?? '…',
    header: header ?? '',
    name: webhook.name,
    registry: upstream.registry,
  };
  const fill = (text: string) => fillGuide(text, values);
  const { generation: _, retired, ...times } = state;
  const kept = retired.map(({ until }) => until).filter((until) => Date.parse(until) > now.getTime());
  const retiredUntil = kept.sort().at(-1);
  return {
    name: webhook.name,
    registry: upstream.registry,
    source: source.name,
    title: source.title,
    url,
    ...(secret !== undefined && { secret }),
    authentication: {
      kind: authentication.kind,
      ...(header !== undefined && { header }),
      description: describeAuthentication(authentication),
    },
    where: fill(source.guide.where),
    steps: source.guide.steps.filter((step) => header !== undefined || !step.includes('{header}')).map(fill),
    documentation: source.guide.documentation,
    repositories: upstream.repositories.map(({ match }) => match),
    ...(source.guide.deleted !== undefined &&
      upstream.repositories.some(({ deleted }) => deleted === 'unmap') && { deletions: true as const }),
    options: webhook.options,
    ...times,
    ...(retiredUntil !== undefined && { retiredUntil }),
  };
}

/** A webhook's own values, which replace the placeholders in the texts of a guide. */
export type GuideValues = Record<'url' | 'secret' | 'header' | 'name' | 'registry', string>;

/** Fills the placeholders in a text of a source's guide with a webhook's own values. */
export function fillGuide(text: string, values: GuideValues): string {
  return text.replace(/\{(url|secret|header|name|registry)\}/g, (_, key: keyof GuideValues) => values[key]);
}

/** How deliveries are authenticated, in a few words. */
export function describeAuthentication(authentication: WebhookAuthentication): string {
  switch (authentication.kind) {
    case 'path-token':
      return 'the secret at the end of the URL';
    case 'header':
      return `the header \`${headerName(authentication.header)}\`, whose value is the secret${authentication.schemes ? ', bare or as a Bearer token or Basic password' : ''}`;
    case 'hmac': {
      const { header, algorithm, encoding, prefix } = authentication;
      const form = prefix === '' ? encoding : `${prefix}<${encoding}>`;
      return `HMAC-${algorithm.toUpperCase()} of the body in \`${headerName(header)}\` (\`${form}\`)`;
    }
    case 'standard-webhooks':
      return 'Standard Webhooks: HMAC-SHA256 of id, time and body in `webhook-signature`, no older than five minutes';
    case 'oidc':
      return 'an OpenID Connect ID token that the issuer signed for the configured account';
    case 'any':
      return authentication.of.map(describeAuthentication).join('; or ');
  }
}

/** The first header that carries the secret or the signature. */
export function headerOf(authentication: WebhookAuthentication): string | undefined {
  if (authentication.kind === 'any')
    return authentication.of.map(headerOf).find((header) => header !== undefined);
  return 'header' in authentication ? headerName(authentication.header) : undefined;
}

/** A header's name as people write it; names are case-insensitive. */
function headerName(name: string): string {
  return name.replace(/(?<![^-])[a-z]/g, (letter) => letter.toUpperCase());
}
