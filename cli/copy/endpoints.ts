import type { Reference } from '../../core/oci/reference.ts';
import { RegistryClient } from '../../core/registry/client.ts';
import { knownRegistry } from '../../core/registry/known-registries.ts';
import { timeoutsFor } from '../../core/registry/transport/transport.ts';
import { withAwsLogin } from '../logins/aws-login.ts';
import { loginSource } from '../logins/login-source.ts';
import { networkFrom } from '../shared/network.ts';
import type { CopyFlags } from './flags.ts';

/** What of the options is about how registries are reached. */
export type EndpointFlags = Pick<
  CopyFlags,
  'plainHttp' | 'srcPlainHttp' | 'dstPlainHttp' | 'authHost' | 'redirectHost' | 'timeoutMs' | 'caFile'
>;

/**
 * A client of the registry that images come from, with this user's login where the registry wants
 * one.
 */
export function openSource(ref: Reference, flags: EndpointFlags, signal: AbortSignal): RegistryClient {
  return open(ref, 'upstream', flags.plainHttp || flags.srcPlainHttp, flags, signal);
}

/** A client of the registry that images go to. */
export function openDestination(ref: Reference, flags: EndpointFlags, signal: AbortSignal): RegistryClient {
  return open(ref, 'mirror', flags.plainHttp || flags.dstPlainHttp, flags, signal);
}

function open(
  { registry, repository }: Reference,
  side: 'upstream' | 'mirror',
  plainHttp: boolean,
  { authHost, redirectHost, timeoutMs, caFile }: EndpointFlags,
  signal: AbortSignal,
): RegistryClient {
  const known = knownRegistry(registry);
  return new RegistryClient({
    registry,
    side,
    endpoint: plainHttp ? `http://${registry}` : known.endpoint,
    authHosts: [...(plainHttp ? [] : known.authHosts), ...authHost],
    redirectHosts: redirectHost,
    network: networkFrom(process.env, caFile),
    ...(timeoutMs !== undefined && { timeouts: timeoutsFor(timeoutMs) }),
    credentials: withAwsLogin(loginSource({ registry, repository }, { env: process.env, signal }), registry, {
      env: process.env,
      signal,
    }),
  });
}
