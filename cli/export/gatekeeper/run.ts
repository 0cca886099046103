import { gatekeeperManifests } from '../../../core/exports/manifests/gatekeeper.ts';
import { printOrWrite } from '../../shared/print-or-write.ts';
import { readCaBundle, type ScopeFlags, scopeOf } from '../admission-webhook/flags.ts';

/** The options of `drayage export gatekeeper`, as they are parsed. */
export interface GatekeeperFlags extends ScopeFlags {
  caBundle: string;
  timeout: number;
  output?: string;
}

/** `drayage export gatekeeper` @throws CommandError */
export async function runGatekeeper(flags: GatekeeperFlags): Promise<void> {
  const { caBundle, timeout, output } = flags;
  const text = gatekeeperManifests({
    scope: scopeOf(flags),
    timeoutSeconds: timeout,
    caBundle: readCaBundle(caBundle),
  });
  await printOrWrite(text, output);
}
