import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

/** Which folders a folder may import from, besides itself. */
const allowed: Record<string, string[]> = {
  'core/oci': [],
  core: ['core/oci'],
  lambda: ['core', 'core/oci'],
  local: ['lambda', 'core', 'core/oci'],
  cli: ['local', 'lambda', 'core', 'core/oci'],
  lib: ['core', 'core/oci'],
  bin: ['lib', 'core', 'core/oci'],
};

function sourceFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(ts|js)$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

function layerOf(file: string): string {
  if (file.startsWith('core/oci/')) return 'core/oci';
  return file.split('/')[0] ?? '';
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*['"]([^'"]+)['"]/g)].map((match) => match[1] ?? '');
}

describe('imports go one way', () => {
  const files = Object.keys(allowed)
    .filter((folder) => !folder.includes('/'))
    .flatMap(sourceFiles);

  it('looks at all layers', () => {
    expect(new Set(files.map(layerOf))).toEqual(new Set(Object.keys(allowed)));
  });

  it.each(files)('%s', (file) => {
    const layer = layerOf(file);
    for (const specifier of importsOf(file)) {
      if (specifier.startsWith('.')) {
        const target = layerOf(relative(root, resolve(root, dirname(file), specifier)));
        expect([layer, ...(allowed[layer] ?? [])], `${file} imports ${specifier}`).toContain(target);
      } else if (specifier.startsWith('@aws-sdk/') && layer.startsWith('core')) {
        expect(file, 'core/aws is the only place in core that talks to AWS').toMatch(/^core\/aws\//);
      }
    }
  });
});
