import { gatekeeperManifests } from '../../../core/exports/manifests/gatekeeper.ts';
import { printOrWrite } from '../../shared/print-or-write.ts';
import { readCaBundle, scopeOf } from '../admission-webhook/flags.ts';
import type { GatekeeperFlags } from './command.ts';

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
