import { UsageError } from '../../shared/usage-error.ts';
import type { UpstreamCredentials } from './registrar.ts';

/** `Authorization: Bearer`, RFC 6750. */
export async function bearer({ token }: Pick<UpstreamCredentials, 'token'>): Promise<Record<string, string>> {
  return { authorization: `Bearer ${token}` };
}

/** `Authorization: Basic`, RFC 7617. */
export async function basic({ user, token }: UpstreamCredentials): Promise<Record<string, string>> {
  const pair = Buffer.from(`${requireUser(user)}:${token}`, 'utf8').toString('base64');
  return { authorization: `Basic ${pair}` };
}

export function requireUser(user: string | undefined): string {
  if (user !== undefined) return user;
  throw new UsageError('this API wants a user’s name as well: give it with --user');
}
