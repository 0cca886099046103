import type { Config } from '../../core/config/config.ts';
import type { NetworkSettings } from '../../core/registry/transport/network.ts';

/**
 * The network settings for upstreams and for the endpoints of `notify`. Only they use the proxy:
 * the mirror and AWS are reached directly.
 */
export function outsideNetwork({ network }: Pick<Config, 'network'>): NetworkSettings | undefined {
  if (!network) return undefined;
  const { proxy, certificates } = network;
  return { proxy: proxy === undefined ? undefined : { http: proxy, https: proxy }, certificates };
}
