import { bearerToken } from '../../core/webhooks/authenticity/authorization-header.ts';
import { equalSecrets } from '../../core/webhooks/authenticity/equal-secrets.ts';
import { deriveSecret } from '../../core/webhooks/secrets/secrets.ts';
import { HttpError, type HttpRequest } from '../shared/http.ts';
import type { ApiDeployment } from './api-deployment.ts';

/**
 * What a route needs: `read` the reader's token, `write` the operator's; `open` routes need none.
 */
export type Access = 'open' | 'read' | 'write';

/** Who is calling. The operator may read, too, and sees more than readers do. */
export type Caller = 'anybody' | 'reader' | 'operator';

/**
 * Returns the caller of a request that is allowed, or throws HttpError 401 or 403.
 *
 * @param isIamAuthorized whether API Gateway has checked the caller's AWS signature; matters if
 *   reads are `iam`.
 */
export async function authorize(
  request: HttpRequest,
  { access, isIamAuthorized }: { access: Access; isIamAuthorized: boolean },
  deployment: ApiDeployment,
): Promise<Caller> {
  if (access === 'open') return 'anybody';
  if (deployment.apiSecret === '') return fromThisMachine(request); // `drayage local` without --auth
  const token = bearerToken(request.headers.authorization ?? '');
  const { reads } = deployment.config.api;
  if (access === 'read' && (reads === 'none' || (reads === 'iam' && isIamAuthorized))) {
    // The token may still show that it is the operator.
    return token !== undefined && (await holderOf(token, deployment)) === 'operator' ? 'operator' : 'reader';
  }
  if (token === undefined) {
    throw new HttpError(401, 'unauthorized', 'send the token as Authorization: Bearer …', {
      'www-authenticate': 'Bearer',
    });
  }
  const caller = await holderOf(token, deployment);
  if (caller === 'operator' || (caller === 'reader' && access === 'read')) return caller;
  if (caller === 'reader')
    throw new HttpError(403, 'forbidden', 'this needs the operator token; the reader token only reads');
  throw new HttpError(401, 'unauthorized', 'the token is not valid', {
    'www-authenticate': 'Bearer error="invalid_token"',
  });
}

/**
 * Without tokens, everybody on this machine is the operator, except web pages in its browsers:
 * neither a page that sends requests here (they have an origin), nor one whose own name resolves to
 * this address (DNS rebinding: the host is not a loopback address). The second check also keeps a
 * tunnel for webhooks from exposing the rest of the API.
 */
function fromThisMachine({ origin, headers }: HttpRequest): Caller {
  const host = URL.canParse(origin) ? new URL(origin).hostname : '';
  const isLoopback = ['127.0.0.1', 'localhost', '[::1]'].includes(host);
  if (isLoopback && (headers.origin === undefined || headers.origin === origin)) return 'operator';
  throw new HttpError(
    403,
    'forbidden',
    'without --auth the API answers only programs on this machine that use a loopback address: start drayage local with --auth',
  );
}

async function holderOf(token: string, { secrets, apiSecret }: ApiDeployment): Promise<Caller> {
  const root = await secrets.readField(apiSecret, 'root');
  const isOperator = equalSecrets(token, deriveSecret(root, 'token:operator'));
  const isReader = equalSecrets(token, deriveSecret(root, 'token:reader'));
  if (isOperator) return 'operator';
  return isReader ? 'reader' : 'anybody';
}
