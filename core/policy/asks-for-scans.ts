import type { Config } from '../config/config.ts';

/** Whether a rule mirrors only images whose scan has found nothing (`require.scan`). */
export function asksForScans({ upstreams }: Pick<Config, 'upstreams'>): boolean {
  return upstreams.some(({ repositories }) => repositories.some((rule) => rule.require?.scan !== undefined));
}
