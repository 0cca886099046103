import type { Config } from '../../core/config/config.ts';
import type { NetworkSettings } from '../../core/registry/transport/network.ts';

/**
 * The network settings for upstreams and for the endpoints of `notify`. Only they use the proxy:
 * the mirror and AWS are reached directly.
 *
 * @param env Lambda sets AWS_LAMBDA_RUNTIME_API:
 *   https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
 */
export function outsideNetwork(
  { network = {} }: Pick<Config, 'network'>,
  { AWS_LAMBDA_RUNTIME_API: runtimeApi }: NodeJS.ProcessEnv = process.env,
): NetworkSettings {
  const { proxy, noProxy, certificates } = network;
  return {
    proxy: proxy === undefined ? undefined : { http: proxy, https: proxy, noProxy: noProxy?.join(',') },
    certificates,
    runtimeApi,
  };
}
