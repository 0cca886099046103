import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import * as z from 'zod';
import { fileFailure } from '../../core/config/file-failure.ts';
import { CommandError } from '../shared/command-error.ts';
import type { RewriteSettings } from './flags.ts';

/** Scalars may be texts: a ConfigMap has no others. */
const flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')]);

const settings = z.strictObject({
  api: z.string().optional(),
  mapping: z.string().optional(),
  region: z.string().optional(),
  tags: flag.optional(),
  pullPolicy: flag.optional(),
  missing: z.enum(['keep', 'fail', 'enqueue']).optional(),
  imagePaths: z
    .union([z.array(z.string()), z.string().transform((text) => text.split(/\s+/).filter(Boolean))])
    .optional(),
});

const form = `it sets some of ${Object.keys(settings.shape).join(', ')}, under spec (or data, in a ConfigMap)`;

/**
 * The settings in the file that kustomize names to a plugin.
 *
 * @throws CommandError
 */
export function readPluginConfig(file: string): RewriteSettings {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { reason, remedy } = fileFailure(error, file);
    throw new CommandError(`--plugin-config ${file} can’t be read: ${reason}`, remedy);
  }
  const [document] = parseAllDocuments(text, { logLevel: 'silent' });
  const problem = document && 'errors' in document ? document.errors[0] : undefined;
  if (problem) throw new CommandError(`--plugin-config ${file} is not YAML: ${problem.message}`, form);
  return settingsOf(document && 'toJS' in document ? document.toJS() : undefined, `--plugin-config ${file}`);
}

/**
 * The settings in an object: `spec`, or `data` of a ConfigMap. None if there is no object.
 *
 * @param where how messages name it
 * @throws CommandError
 */
export function settingsOf(object: unknown, where: string): RewriteSettings {
  const { spec, data } = (object ?? {}) as { spec?: unknown; data?: unknown };
  const parsed = settings.safeParse(spec ?? data ?? {});
  if (!parsed.success) throw new CommandError(`${where}: ${z.prettifyError(parsed.error)}`, form);
  const { imagePaths, ...others } = parsed.data;
  return Object.fromEntries(
    Object.entries({ ...others, imagePath: imagePaths }).filter(([, setting]) => setting !== undefined),
  );
}
