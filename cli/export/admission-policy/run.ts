import { imageTable } from '../../../core/exports/image-table.ts';
import {
  type AdmissionPolicyOptions,
  admissionPolicy,
  type PolicySource,
} from '../../../core/exports/manifests/admission-policy/index.ts';
import type { Mapping } from '../../../core/mapping/record.ts';
import { originAndPath } from '../../api/address.ts';
import { CommandError } from '../../shared/command-error.ts';
import { formatBytes } from '../../shared/format.ts';
import { printOrWrite } from '../../shared/print-or-write.ts';
import { UsageError } from '../../shared/usage-error.ts';
import { findMirror } from './find-mirror.ts';
import type { AdmissionPolicyFlags } from './flags.ts';
import { allMappings, someMappings } from './read-mappings.ts';

/** etcd takes 1.5 MiB, and the apiserver adds what it records of the fields. */
const maxPolicyBytes = 1_400_000;

/**
 * `drayage export admission-policy`
 *
 * @throws CommandError, UsageError
 */
export async function runAdmissionPolicy(flags: AdmissionPolicyFlags): Promise<void> {
  const options: AdmissionPolicyOptions = {
    scope: {
      excludedNamespaces: flags.excludeNamespace,
      namespaces: flags.namespace,
      optIn: flags.optIn ?? false,
    },
    source: flags.literals ? await literals(flags) : await synced(flags),
    fallback: await fallbackOf(flags),
    keep: flags.keep ?? false,
  };
  const text = admissionPolicy(options);
  if (flags.literals && Buffer.byteLength(text) > maxPolicyBytes)
    throw new CommandError(
      `the policy would have ${formatBytes(Buffer.byteLength(text))}, and a cluster stores at most ${formatBytes(maxPolicyBytes)}`,
      'leave out --literals: the CronJob brings any number of mappings',
    );
  await printOrWrite(text, flags.output);
}

async function synced(flags: AdmissionPolicyFlags): Promise<PolicySource> {
  const { api, schedule, syncImage: image, region } = flags;
  if (api === undefined || api === '')
    throw new UsageError(
      'where does the CronJob find the API? Give its address with --api URL, or set DRAYAGE_API; --literals prints a policy that needs none',
    );
  const mirror = await mirrorOf(flags);
  return { kind: 'synced', mirror, sync: { api: originAndPath(api, '--api'), region, schedule, image } };
}

async function literals(flags: AdmissionPolicyFlags): Promise<PolicySource> {
  const table = await imageTable(eachOf(await allMappings(flags)));
  if (table.length === 0)
    throw new CommandError(
      `nothing is mirrored${flags.region === undefined ? '' : ` in ${flags.region}`}: the policy would do nothing`,
      'see what is mapped with drayage export csv',
    );
  return { kind: 'literals', table };
}

async function fallbackOf(flags: AdmissionPolicyFlags): Promise<ReadonlyMap<string, string>> {
  const places = [...flags.fallback];
  if (places.every(([, place]) => place !== '')) return flags.fallback;
  const mirror = await mirrorOf(flags);
  return new Map(places.map(([registry, place]) => [registry, place || placeIn(mirror, registry)]));
}

/** As repositories of the mirror are named, where ECR accepts the name. */
function placeIn(mirror: string, registry: string): string {
  return `${mirror}/${registry.replace(/:(\d+)$/, '_$1')}`;
}

async function mirrorOf(flags: AdmissionPolicyFlags): Promise<string> {
  return flags.mirror ?? findMirror(await someMappings(flags), flags.region);
}

async function* eachOf(mappings: readonly Mapping[]): AsyncGenerator<Mapping> {
  yield* mappings;
}
