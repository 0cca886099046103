import * as z from 'zod';
import { notifyEvents } from '../config/config.ts';
import { distinct, httpUrl, secretName, shown, text, textLike } from '../config/fields.ts';
import { internalAddress } from '../registry/transport/addresses.ts';

/** Each endpoint is a rule of the account's event bus, which has room for 300 in all. */
const mostEndpoints = 20;
const longestName = 63;

const url = text({ what: 'a URL', example: 'https://hooks.example.com/drayage' }, (value) => {
  const parsed = httpUrl(value);
  if (parsed === undefined)
    return `${shown(value)} is not a URL; write, for example, https://hooks.example.com/drayage`;
  if (parsed.username !== '' || parsed.password !== '')
    return 'has a user name or a password, which would be readable in the functions’ bundle; write the URL without them: deliveries are signed';
  if (parsed.hash !== '') return `${shown(value)} has a fragment (#…), which is never sent; leave it out`;
  const address = internalAddress(parsed.hostname);
  if (address === 'link-local')
    return `${shown(value)} is at a link-local address, where only metadata services are; write the receiver’s own address`;
  if (parsed.protocol === 'http:' && address === undefined)
    return `${shown(value)} is not encrypted; write https (http is for loopback and private addresses, such as http://127.0.0.1:8080)`;
  return undefined;
});

const name = textLike(
  { what: `a name of at most ${longestName} lower-case letters, digits and -`, example: 'chat' },
  /^[a-z0-9-]{1,63}$/,
);

const events = distinct(z.enum(notifyEvents).meta({ what: notifyEvents.join(', '), example: 'mirrored' }), {
  what: 'a list of events',
  example: `[${notifyEvents.join(', ')}]`,
})
  .min(1)
  .default([...notifyEvents]);

/** The key `notify`. */
export const notifySchema = z
  .array(
    z.strictObject({ url, secret: secretName('drayage/notify-chat'), events, name: name.optional() }).meta({
      what: 'a mapping with url and secret',
      example: '{ url: https://hooks.example.com/drayage, secret: drayage/notify-chat }',
    }),
  )
  .max(mostEndpoints)
  .meta({
    what: `a list of at most ${mostEndpoints} endpoints`,
    example: '[{ url: https://hooks.example.com/drayage, secret: drayage/notify-chat }]',
  });

/**
 * The name of an endpoint that has none: its host, written with the characters of a name
 * (`hooks-example-com`, `127-0-0-1-8080`). Undefined if the text is not a URL.
 */
export function defaultEndpointName(url: string): string | undefined {
  const host = httpUrl(url)?.host;
  return host
    ?.replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, longestName);
}
