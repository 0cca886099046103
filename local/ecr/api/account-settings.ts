import * as z from 'zod';
import type { RegistryContext } from '../registry-context.ts';
import { invalidParameter } from './errors.ts';
import { parseInput } from './input.ts';

/**
 * The settings and their values; the first is the default. Only BLOB_MOUNTING has an effect here.
 */
const settings: Record<string, string[]> = {
  BLOB_MOUNTING: ['DISABLED', 'ENABLED'],
  BASIC_SCAN_TYPE_VERSION: ['AWS_NATIVE', 'CLAIR'],
  REGISTRY_POLICY_SCOPE: ['V2', 'V1'],
};

function valuesOf(name: string): string[] {
  const values = Object.hasOwn(settings, name) ? settings[name] : undefined;
  if (values === undefined)
    throw invalidParameter('name', `must be one of ${Object.keys(settings).join(', ')}`);
  return values;
}

/** GetAccountSetting. */
export async function getAccountSetting(context: RegistryContext, body: unknown): Promise<unknown> {
  const { name } = parseInput(z.object({ name: z.string() }), body);
  const values = valuesOf(name);
  return { name, value: context.catalog.setting(name) ?? values[0] };
}

/** PutAccountSetting: `BLOB_MOUNTING` allows blobs to be mounted. */
export async function putAccountSetting(context: RegistryContext, body: unknown): Promise<unknown> {
  const { name, value } = parseInput(z.object({ name: z.string(), value: z.string() }), body);
  const values = valuesOf(name);
  if (!values.includes(value)) throw invalidParameter('value', `must be one of ${values.join(', ')}`);
  await context.catalog.setSetting(name, value);
  return { name, value };
}
