import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');

/**
 * What a file loads immediately: its own files and packages, including those that its files load.
 */
function loads(file: string, seen = new Set<string>()): Set<string> {
  seen.add(file);
  const text = readFileSync(join(root, file), 'utf8');
  for (const [, type, specifier = ''] of text.matchAll(
    /^(?:import|export)\s+(type\s)?[^;]*?from\s+'([^']+)'/gm,
  )) {
    if (type !== undefined) continue;
    if (!specifier.startsWith('.')) seen.add(specifier);
    else {
      const next = relative(root, resolve(root, dirname(file), specifier));
      if (!seen.has(next)) loads(next, seen);
    }
  }
  return seen;
}

describe('the start of the command line', () => {
  it('loads only what describes the commands and parses arguments, and no command’s implementation', () => {
    const loaded = [...loads('cli/main.ts')];
    expect(loaded).toEqual(
      expect.arrayContaining(['commander', 'cli/copy/command.ts', 'core/oci/reference.ts']),
    );
    expect(loaded.filter((name) => !name.includes('/') && !name.startsWith('node:'))).toEqual(['commander']);
    const allowed =
      /^(cli\/(main|[^/]+\/(command|help)|export\/[^/]+\/(command|flags|help)|shared\/[^/]+|admission\/listen-address)|core\/oci\/[^/]+|core\/admission\/choice|core\/exports\/format-names|core\/registry\/transport\/version|core\/config\/(byte-size|duration|file-failure))\.ts$|^node:|^commander$/;
    expect(loaded.filter((name) => !allowed.test(name))).toEqual([]);
  });
});
