import type * as z from 'zod';
import type { Upstream } from '../config/config.ts';
import type { Digest } from '../oci/digest.ts';
import type { Reference } from '../oci/reference.ts';

/**
 * How a delivery proves that it comes from whom the operator configured. Nothing of it is the
 * sender's choice.
 */
export type WebhookAuthentication =
  /** The sender can't sign: the URL's last segment is the secret. */
  | { kind: 'path-token' }
  | DeliveryAuthentication
  /**
   * Whichever of these the delivery carries. One that carries several headers is judged by the
   * first of them, so that a bad signature is not rescued by a good token; several proofs that
   * stand in one header are alternatives.
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
   * `Authorization: Bearer` with an OpenID Connect ID token that the issuer signed for us: there is
   * no secret.
   */
  | OidcAuthentication;

/**
 * Who may sign an ID token, and for whom.
 * https://openid.net/specs/openid-connect-core-1_0.html#IDToken
 */
export interface OidcAuthentication {
  kind: 'oidc';
  /** The values of `iss` that count. */
  issuers: readonly string[];
  /** Where the issuer's keys are. */
  jwksUri: string;
  /** The value of `aud`; absent: the webhook's own URL. */
  audience?: string;
  /** The value of `email`, which must be verified. */
  email: string;
}

/** An authentic delivery whose body is JSON. */
export interface WebhookDelivery<Options> {
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  body: unknown;
  /** What the webhook stands under. */
  upstream: Upstream;
  options: Options;
}

/** An image that somebody says was pushed: a hint to look, never the truth. */
export interface PushEvent {
  /**
   * Always with a tag, never with a digest: what a tag points to is asked of the registry when the
   * job runs.
   */
  image: Reference & { tag: string };
  /**
   * What the sender says that the tag points to, where it says so. Never what is copied: an event
   * that tells what is mapped already is worth a later look only.
   */
  digest?: string;
}

/**
 * Something in an authentic delivery that leads to nothing, and why: `code: explanation`, the code
 * being stable.
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

/** What a delivery says. */
export type WebhookOutcome = { kind: 'events'; events: PushEvent[]; ignored: IgnoredEvent[] } | WebhookAnswer;

/**
 * What people are told about a source. README's table, the page under docs/webhooks and `drayage
 * webhooks list` are made of it. Texts are Markdown; `{url}`, `{secret}`, `{header}`, `{name}` and
 * `{registry}` stand for the webhook's own. A step with `{header}` is for senders that set one: it
 * is left out for a webhook whose secret stands in the path.
 */
export interface SourceGuide {
  /** Where in the sender's settings a webhook is entered: one line. */
  where: string;
  /** What such a registry is called, where the source has no home and not every name will do. */
  example?: string;
  /** Exactly what to do there, one step each. */
  steps: readonly string[];
  /** What leads to a mirror job: one line. */
  accepted: string;
  /**
   * Why authentic deliveries lead to nothing, by the code of the reason. What every source has is
   * not repeated here.
   */
  ignored: Readonly<Record<string, string>>;
  /** How the image's reference is made: one line. */
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
 * `receive` gets any JSON and never throws: what it can't read is ignored as malformed. It makes
 * references only; whether an image is mirrored is decided after it, and no URL in a payload is
 * ever fetched.
 */
export interface WebhookSource<Options = unknown> {
  /** As `webhook.source` of mirror.yaml names it. */
  name: string;
  /** Its name for people. */
  title: string;
  /**
   * The registry that it speaks for, where there is one; it may stand under others only if no
   * source speaks for those.
   */
  home?: string;
  /** `webhook.options` of mirror.yaml: a strict object. */
  optionsSchema: z.ZodType<Options>;
  authentication(options: Options): WebhookAuthentication;
  /**
   * Answers an OPTIONS request, by which some senders ask whether deliveries are wanted before they
   * send any proof; undefined where it is none of theirs. Absent: the sender asks nothing.
   */
  handshake?(headers: Readonly<Record<string, string>>): WebhookAnswer | undefined;
  receive(delivery: WebhookDelivery<Options>): WebhookOutcome;
  /**
   * What the sender would send after a push of this image, as far as `receive` looks at it: for
   * `drayage webhooks test`. Header names in lower case; without content type and proof.
   */
  sample(image: SampleImage, options: Options): { headers?: Record<string, string>; body: unknown };
  guide: SourceGuide;
}
