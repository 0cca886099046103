import type { z } from 'zod';
import type { Upstream } from '../config/config.ts';
import type { Reference } from '../oci/reference.ts';
import type { SourceName } from './source-names.ts';

/** How a delivery proves that it comes from whom the operator configured. */
export type WebhookAuthentication =
  /** The sender can't sign: the URL's last segment is the secret. */
  | { kind: 'path-token' }
  /** A header carries an HMAC of the raw body, keyed with the secret's UTF-8 bytes. Nothing of it is the sender's choice. */
  | { kind: 'hmac'; header: string; algorithm: 'sha256' | 'sha1'; encoding: 'hex' | 'base64'; prefix: string }
  /** A header whose whole value is the secret. */
  | { kind: 'header'; header: string };

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
  /** Always with a tag, never with a digest: what a tag points to is asked of the registry when the job runs. */
  image: Reference & { tag: string };
}

/** Something in an authentic delivery that leads to nothing, and why: `code: explanation`, the code being stable. */
export interface IgnoredEvent {
  image?: string;
  reason: string;
}

/** What a delivery says. */
export type WebhookOutcome =
  | { kind: 'events'; events: PushEvent[]; ignored: IgnoredEvent[] }
  /** A ping or handshake, answered at once. */
  | { kind: 'answer'; status: number; headers: Record<string, string>; body: unknown };

/**
 * A kind of sender. A new one is a file in `sources/` and a line in `sources/index.ts`.
 *
 * `receive` gets any JSON and never throws: what it can't read is ignored as malformed. It makes references only; whether
 * an image is mirrored is decided after it, and no URL in a payload is ever fetched.
 */
export interface WebhookSource<Options = unknown> {
  name: SourceName;
  /** Its name for people. */
  title: string;
  /** The registry that it speaks for, where there is one; it may stand under others only if no source speaks for those. */
  home?: string;
  /** `webhook.options` of mirror.yaml: a strict object. */
  optionsSchema: z.ZodType<Options>;
  authentication(options: Options): WebhookAuthentication;
  receive(delivery: WebhookDelivery<Options>): WebhookOutcome | Promise<WebhookOutcome>;
}
