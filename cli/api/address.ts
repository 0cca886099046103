import { httpUrl } from '../../core/config/fields.ts';
import type { ApiFlags } from '../shared/api-command.ts';
import { UsageError } from '../shared/usage-error.ts';
import type { ApiAddress } from './client.ts';

/**
 * The address of the API, from the flags.
 *
 * @throws UsageError if it is missing, or not an address
 */
export function apiAddress({ api, token }: ApiFlags): ApiAddress {
  if (api === undefined || api === '')
    throw new UsageError(
      'where is the API? Give its address with --api URL, or set DRAYAGE_API: the stack’s output ApiUrl, or what drayage local prints as "api"',
    );
  // fetch's own message would quote it.
  if (token !== undefined && /[^\x21-\x7e]/.test(token))
    throw new UsageError('the token (--token, DRAYAGE_TOKEN) contains characters that no token has');
  return { api: originAndPath(api, '--api'), ...(token !== undefined && token !== '' && { token }) };
}

/**
 * An address without a slash at its end.
 *
 * @throws UsageError if it is not an address, or contains a login, a query or a fragment
 */
export function originAndPath(text: string, option: string): string {
  const url = httpUrl(text);
  if (url === undefined) throw new UsageError(`${option} takes an address such as https://api.example`);
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw new UsageError(`${option} takes an address without user name, query and fragment`);
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}
