import { createHash, timingSafeEqual } from 'node:crypto';
import { deriveSecret } from '../../core/webhooks/secrets.ts';
import { environment } from '../shared/environment.ts';
import { HttpError, type HttpRequest } from '../shared/http.ts';
import { config, secrets } from '../shared/services.ts';

/** What a route does: reads need the reader's token, writes the operator's; the rest is open to everybody. */
export type Access = 'open' | 'read' | 'write';

/**
 * Lets a request pass, or throws HttpError 401 or 403. The operator may read, too.
 *
 * @param iamAuthorized whether API Gateway has checked the caller's AWS signature; counts where reads are `iam`.
 */
export async function authorize(request: HttpRequest, access: Access, iamAuthorized: boolean): Promise<void> {
  const { reads } = config().api;
  if (access === 'open' || (access === 'read' && (reads === 'none' || (reads === 'iam' && iamAuthorized))))
    return;
  const secret = environment('apiSecret');
  if (secret === '') return; // `drayage local` without --auth
  const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined) {
    throw new HttpError(401, 'unauthorized', 'send the token as Authorization: Bearer …', {
      'www-authenticate': 'Bearer',
    });
  }
  const root = await secrets().readField(secret, 'root');
  const isOperator = equal(token, deriveSecret(root, 'token:operator'));
  const isReader = equal(token, deriveSecret(root, 'token:reader'));
  if (isOperator || (isReader && access === 'read')) return;
  if (isReader)
    throw new HttpError(403, 'forbidden', 'this needs the operator token; the reader token only reads');
  throw new HttpError(401, 'unauthorized', 'the token is not valid', {
    'www-authenticate': 'Bearer error="invalid_token"',
  });
}

/** Compares in a time that tells nothing, neither the content nor the length. */
function equal(a: string, b: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(a), hash(b));
}
