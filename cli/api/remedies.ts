import { internalAddress } from '../../core/registry/transport/addresses.ts';
import type { ApiRequest } from './exchange.ts';
import type { RequestError } from './request-error.ts';

const address = 'the stack’s output ApiUrl, or what drayage local prints as "api"';

/** What helps, by the code of the API's answer. */
const byCode: Readonly<Record<string, string>> = {
  not_configured:
    'name it in a rule of mirror.yaml, check the file with drayage validate, and deploy it; nothing of this request was queued',
  gone: 'choose another digest of drayage history: this image was deleted in the mirror',
  conflict: 'look at what is there now (drayage webhooks list), and try again if necessary',
};

/**
 * What helps if Drayage's API refuses a request or can't be reached.
 *
 * @param sent whether the request had a token
 */
export function remedyFor(
  error: RequestError,
  { method, url }: ApiRequest,
  sent: 'token' | 'anonymous',
): string | undefined {
  const { status, code = '', problem, remedy } = error;
  const which =
    method === 'GET' || url.pathname.endsWith('/resolve')
      ? 'the reader’s or operator’s token'
      : 'the operator’s token';
  if (problem !== undefined)
    return problem === 'refused' && internalAddress(url.hostname) === 'loopback'
      ? 'start drayage local, and use the address that it prints as "api" (the port changes at each start unless you give --port)'
      : remedy;
  if (status === 401)
    return sent === 'token'
      ? `the token is not valid for this deployment: pass ${which} with --token or DRAYAGE_TOKEN, and check --api`
      : `pass ${which} with --token or DRAYAGE_TOKEN`;
  if (code === 'not_configured' && url.pathname === '/v1/retention')
    return 'write retention into its rule in mirror.yaml, check the file with drayage validate, and deploy it';
  if (Object.hasOwn(byCode, code)) return byCode[code];
  if (status === 403) return 'this needs the operator’s token: pass it with --token or DRAYAGE_TOKEN';
  if (status === undefined || (status === 404 && isNoRoute(code, url)))
    return `there is no Drayage API at this address: check --api (${address})`;
  if (status >= 300 && status < 400) return `check --api (${address})`;
  if (status >= 500) return 'try again; if it keeps failing, check the logs of the API function';
  return remedy;
}

/** Whether nothing answers there, as opposed to a route that finds nothing. */
function isNoRoute(code: string, { pathname }: URL): boolean {
  return code === '' || pathname.endsWith('/v1/webhooks') || pathname.endsWith('/v1/status');
}
