import type { Config, RepositoryRule } from '../../core/config/config.ts';
import { ruleSelector } from '../../core/policy/select-image.ts';
import { type EmbeddedRegistry, type FaultAction, startRegistry } from '../../local/ecr/server.ts';
import { type CutProxy, startCutProxy } from '../support/cut-proxy.ts';
import { configOf, type RulesVersion, registries as registryNames, type UpstreamName } from './rules.ts';

/** Registries that images come from; one of them can be down. */
export interface Upstreams extends AsyncDisposable {
  registries: Record<UpstreamName, EmbeddedRegistry>;
  hubConnection: CutProxy;
  config(version: RulesVersion): Config;
  /** The rule of a repository, after they have changed. */
  ruleOf(upstream: UpstreamName, repository: string): RepositoryRule | undefined;
}

export async function startUpstreams(requestLogSize: number): Promise<Upstreams> {
  await using stack = new AsyncDisposableStack();
  const start = async () => stack.use(await startRegistry({ flavour: 'distribution', requestLogSize }));
  const registries = { ghcr: await start(), hub: await start(), harbor: await start() };
  const hubConnection = await startCutProxy(registries.hub.endpoint);
  stack.defer(() => hubConnection.stop());
  const disposables = stack.move();
  const { ghcr, harbor } = registries;
  const addresses = { ghcr: ghcr.endpoint, hub: hubConnection.url, harbor: harbor.endpoint };
  return {
    registries,
    hubConnection,
    config: (version) => configOf(version, addresses),
    ruleOf(name, repository) {
      const { upstreams } = configOf('second', addresses);
      const upstream = upstreams.find(({ registry }) => registry === registryNames[name]);
      return upstream && ruleSelector(upstream)(repository);
    },
    [Symbol.asyncDispose]: () => disposables.disposeAsync(),
  };
}

/** What goes wrong with requests to a registry, and how likely. */
const common: [probability: number, action: FaultAction][] = [
  [0.015, { kind: 'status', status: 429, headers: { 'retry-after': '1' } }],
  [0.015, { kind: 'status', status: 500 }],
  [0.01, { kind: 'status', status: 503 }],
  [0.015, { kind: 'cut' }],
  [0.015, { kind: 'cut', afterBytes: 1_500 }],
  [0.004, { kind: 'stall', afterBytes: 700, forMs: 2_500 }],
  [0.004, { kind: 'stall', forMs: 2_500 }],
  [0.005, { kind: 'slow', delayMs: 400, bytesPerSecond: 200_000 }],
];
const ofUpstreams: typeof common = [
  [0.003, { kind: 'status', status: 429 }],
  [0.004, { kind: 'corrupt' }],
];

/**
 * Switches the faults of an upstream on: for what the functions read. Pushes go through, since they
 * neither GET nor ask for manifests.
 */
export function troubleUpstream({ faults }: EmbeddedRegistry, seed: number): void {
  for (const [n, [probability, action]] of [...common, ...ofUpstreams].entries())
    for (const match of [{ method: 'GET' }, { method: 'HEAD', path: '/manifests/' }])
      faults.add({ match: { ...match, probability, seed: seed * 100 + n }, action });
}

/** Switches the faults of the mirror on: of all requests, those of ECR's API included. */
export function troubleMirror({ faults }: EmbeddedRegistry, seed: number): void {
  for (const [n, [probability, action]] of common.entries())
    faults.add({ match: { probability, seed: seed * 100 + 50 + n }, action });
}
