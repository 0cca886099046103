import type { Config } from '../../core/config/config.ts';
import type { NetworkSettings } from '../../core/registry/transport/network.ts';

/**
 * The network settings for upstreams and for the endpoints of `notify`. Only they use the proxy:
 * the mirror and AWS are reached directly.
 */
export function outsideNetwork({ network }: Pick<Config, 'network'>): NetworkSettings | undefined {
  if (!network) return undefined;
  const { proxy, noProxy, certificates } = network;
  if (proxy === undefined) return { certificates };
  return { proxy: { http: proxy, https: proxy, noProxy: noProxy?.join(',') }, certificates };
}
