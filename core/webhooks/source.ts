import type * as z from 'zod';
import type { Upstream } from '../config/config.ts';
import type { Digest } from '../oci/digest.ts';
import type { Reference } from '../oci/reference.ts';

/**
 * How a delivery proves that it comes from the configured sender. The sender chooses none of this.
 */
export type WebhookAuthentication =
  /** The sender can't sign: the URL's last segment is the secret. */
  | { kind: 'path-token' }
  | DeliveryAuthentication
  /**
   * Whichever of these the delivery carries. If it carries several headers, only the first one
   * counts, so that a good token can't make up for a bad signature. Several kinds of proof in the
   * same header are alternatives.
   */
  | { kind: 'any'; of: readonly DeliveryAuthentication[] };

/** A proof that travels with the delivery rather than in its URL. */
export type DeliveryAuthentication =
  /** A header carries an HMAC of the raw body, keyed with the secret's UTF-8 bytes. */
  | { kind: 'hmac'; header: string; algorithm: 'sha256' | 'sha1'; encoding: 'hex' | 'base64'; prefix: string }
  /**
   * A header whose whole value is the secret; with `schemes`, also `Bearer <secret>` (RFC 6750) or
   * `Basic` with the secret as password and any user name (RFC 7617), for senders that can't write
   * anything else.
   */
  | { kind: 'header'; header: string; schemes?: readonly ('bearer' | 'basic')[] }
  /**
   * The headers `webhook-id`, `webhook-timestamp` and `webhook-signature` of Standard Webhooks; the
   * secret is `whsec_<base64>`.
   * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
   */
  | { kind: 'standard-webhooks' }
  /**
   * `Authorization: Bearer` with an OpenID Connect ID token that the issuer signed for us. There is
   * no secret.
   */
  | OidcAuthentication;

/**
 * Who may sign an ID token, and for whom.
 * https://openid.net/specs/openid-connect-core-1_0.html#IDToken
 */
export interface OidcAuthentication {
  kind: 'oidc';
  /** The accepted values of `iss`. */
  issuers: readonly string[];
  /** Where the issuer's keys are. */
  jwksUri: string;
  /** The value of `aud`; by default the webhook's own URL. */
  audience?: string;
  /** The value of `email`, which must be verified. */
  email: string;
}

/** An authentic delivery whose body is JSON. */
export interface WebhookDelivery<Options> {
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  body: unknown;
  /** The upstream that the webhook belongs to. */
  upstream: Upstream;
  options: Options;
}

/** An image that a sender says was pushed: a hint to look, never the truth. */
export interface PushEvent {
  /**
   * Always with a tag, never with a digest: the job asks the registry what the tag points to when
   * it runs.
   */
  image: Reference & { tag: string };
  /**
   * The digest that the tag points to, if the sender names one. It never decides what is copied: if
   * it is already mapped, the event leads only to a later look.
   */
  digest?: string;
}

/** An image that a sender says was deleted: a hint to look, never the truth. */
export interface DeletionEvent {
  /**
   * With the tag that is gone, or the digest of the manifest that is, or both. A deleted manifest
   * takes all of its tags with it, of which senders name one at most.
   */
  image: Reference;
}

/**
 * Something in an authentic delivery that is ignored, and why: `code: explanation`. The codes are
 * stable.
 */
export interface IgnoredEvent {
  image?: string;
  reason: string;
}

/** An answer to a ping or handshake, sent as it is. */
export interface WebhookAnswer {
  kind: 'answer';
  status: number;
  headers: Record<string, string>;
  body: unknown;
}

/** What a source makes of a delivery. */
export type WebhookOutcome =
  | { kind: 'events'; events: PushEvent[]; deletions: DeletionEvent[]; ignored: IgnoredEvent[] }
  | WebhookAnswer;

/**
 * The documentation of a source, for people. It makes up README's table, the page under
 * docs/webhooks and the output of `drayage webhooks list`. Texts are Markdown; `{url}`, `{secret}`,
 * `{header}`, `{name}` and `{registry}` stand for the webhook's own values. Steps with `{header}`
 * are left out for a webhook whose secret is in the path.
 */
export interface SourceGuide {
  /** Where in the sender's settings a webhook is entered: one line. */
  where: string;
  /** An example of the registry's name, for a source without a home that takes only some names. */
  example?: string;
  /** Exactly what to do there, one step each. */
  steps: readonly string[];
  /** What leads to a mirror job: one line. */
  accepted: string;
  /**
   * What counts as a deletion, for rules with `deleted: unmap`: one line; absent if the sender
   * reports none.
   */
  deleted?: string;
  /**
   * Why authentic deliveries are ignored, by the code of the reason. Reasons that every source has
   * are not repeated here.
   */
  ignored: Readonly<Record<string, string>>;
  /** Where the image's reference comes from: one line. */
  reference: string;
  /** What else to know: limits, retries, versions. */
  notes: readonly string[];
  /** The sender's own documentation. */
  documentation: string;
}

/** An image that a sample delivery is about. */
export interface SampleImage {
  registry: string;
  repository: string;
  tag: string;
  digest: Digest;
  mediaType: string;
}

/**
 * A kind of sender. A new one is a file in `sources/` and a line in `sources/index.ts`.
 *
 * `receive` takes any JSON and never throws: it ignores what it can't read as malformed. It only
 * makes references; `decide` checks later whether an image is mirrored. No URL in a payload is ever
 * fetched.
 */
export interface WebhookSource<Options = unknown> {
  /** As `webhook.source` of mirror.yaml names it. */
  name: string;
  /** Its name for people. */
  title: string;
  /**
   * The registry that the source speaks for, if there is one. An upstream with another registry may
   * use the source only if that registry is not the home of another source.
   */
  home?: string;
  /** `webhook.options` of mirror.yaml: a strict object. */
  optionsSchema: z.ZodType<Options>;
  authentication(options: Options): WebhookAuthentication;
  /**
   * Answers an OPTIONS request, with which some senders ask whether deliveries are wanted before
   * they send any proof. Returns undefined if the request is not such a question. Absent if the
   * sender does not ask.
   */
  handshake?(headers: Readonly<Record<string, string>>): WebhookAnswer | undefined;
  receive(delivery: WebhookDelivery<Options>): WebhookOutcome;
  /**
   * What the sender would send after a push of this image, reduced to what `receive` reads: for
   * `drayage webhooks test`. Header names in lower case, without content type and proof.
   */
  sample(image: SampleImage, options: Options): { headers?: Record<string, string>; body: unknown };
  guide: SourceGuide;
}
