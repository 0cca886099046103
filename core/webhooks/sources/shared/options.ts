import * as z from 'zod';
import { hostPattern, textLike } from '../../../config/fields.ts';

/** Options that several sources share, so that they have the same names and checks. */

/**
 * `header`: the header whose whole value is the webhook's secret. RFC 9110, 5.1: a field name is a
 * token.
 */
export function headerOption(byDefault: string) {
  return textLike(
    { what: 'the name of a header', example: byDefault },
    /^[\w!#$%&'*+.^`|~-]{1,100}$/,
  ).default(byDefault);
}

/**
 * `host`: what payloads call the registry, if that is neither the upstream's registry nor its
 * endpoint's host.
 */
export const hostOption = textLike(
  { what: 'a host with optional port', example: 'registry.example.com' },
  hostPattern,
).optional();

/** `authentication`: for senders that may not be able to set a header. */
export const placeOption = z
  .enum(['header', 'path'])
  .default('header')
  .meta({ what: 'header or path: where the secret is', example: 'header' });
