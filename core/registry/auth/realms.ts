import { internalTarget, isMetadataAddress, metadataRemedy } from '../transport/addresses.ts';
import { isTrusted } from '../transport/trusted-hosts.ts';

const altered = 'check the endpoint, and that nothing in between alters the registry’s responses';

/**
 * Where a Bearer challenge sends its client for a token: `trusted` hosts may see the credentials, a
 * `foreign` one is asked only if there are none, and `refused` ones are never asked.
 */
export type Realm =
  | { kind: 'trusted'; url: URL }
  | { kind: 'foreign'; url: URL }
  | { kind: 'refused'; reason: string; remedy: string };

/**
 * Judges a challenge's `realm`, which comes from the registry's answer and so may be hostile.
 * Trusted are the endpoint's own host, including its port, and those of `authHosts` (`host` means
 * the scheme's usual port). A downgrade from the endpoint's https to http is refused even without
 * credentials: the token itself is a secret. So are internal addresses (loopback, link-local,
 * private) that are not trusted, unless the endpoint is of that kind itself.
 */
export function judgeRealm(realm: string | undefined, endpoint: URL, authHosts: readonly string[]): Realm {
  if (realm === undefined)
    return { kind: 'refused', reason: 'its challenge names no realm', remedy: altered };
  const url = URL.parse(realm);
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    return { kind: 'refused', reason: 'its challenge’s realm is not an http or https URL', remedy: altered };
  }
  if (url.protocol === 'http:' && endpoint.protocol === 'https:') {
    return {
      kind: 'refused',
      reason: `its token service is on plain http (${url.host})`,
      remedy:
        'the token would be sent unencrypted: the registry’s operator must give its token service an https URL; a proxy in front of it must pass on X-Forwarded-Proto',
    };
  }
  if (url.username !== '' || url.password !== '') {
    return { kind: 'refused', reason: `its challenge’s realm names a user (${url.host})`, remedy: altered };
  }
  url.hash = '';
  const trusted = isTrusted(url, { endpoint, authHosts });
  const internal = trusted && !isMetadataAddress(url.hostname) ? undefined : internalTarget(url, endpoint);
  if (internal !== undefined) {
    return {
      kind: 'refused',
      reason: `its token service is at ${internal}`,
      remedy: isMetadataAddress(url.hostname)
        ? metadataRemedy
        : `if that is the registry’s own token service, add it in mirror.yaml to this upstream: authHosts: [${JSON.stringify(url.host)}]`,
    };
  }
  return { kind: trusted ? 'trusted' : 'foreign', url };
}
