import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

/** The top-level folders, each with those that it may import from besides itself. */
const layers: Record<string, string[]> = {
  core: [],
  lambda: ['core'],
  local: ['lambda', 'core'],
  cli: ['local', 'lambda', 'core'],
  lib: ['core'],
  bin: ['lib', 'core'],
  image: ['cli', 'core'],
};

/** The folders of core: each may import from those above it in this list. */
const coreFolders = [
  'errors.ts',
  'oci',
  'async',
  'config',
  'cost',
  'policy',
  'repository-settings',
  'registry',
  'telemetry',
  'copy',
  'verify',
  'requirements',
  'mapping',
  'exports',
  'webhooks',
  'notify',
  'mirror-yaml',
  'rewrite',
  'admission',
  'discover',
  'jobs',
  'registry-events',
  'reconcile',
  'retention',
  'aws',
];

/** With more files than this, it is hard to find anything in a folder of core. */
const mostFiles = 15;

const files = Object.keys(layers).flatMap(sourceFiles);
const imports = new Map(files.map((file) => [file, importsOf(file)]));

function sourceFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(ts|js)$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

/**
 * What a file imports, types included: files by their path in the repository, packages by their
 * name.
 */
function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*['"]([^'"]+)['"]/g)].map(([, specifier = '']) =>
    specifier.startsWith('.') ? relative(root, resolve(root, dirname(file), specifier)) : specifier,
  );
}

const parts = (file: string) => file.split('/');
const layerOf = (file: string) => parts(file)[0] ?? '';
const coreFolderOf = (file: string) => parts(file)[1] ?? '';
/** Whether an import is one of the repository's own files. */
const isOwn = (name: string) => Object.hasOwn(layers, layerOf(name)) && name.includes('/');

/** The files of each import cycle: strongly connected components of more than one file (Tarjan). */
function circles(graph: Map<string, string[]>): string[][] {
  const found: string[][] = [];
  const number = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const visit = (file: string) => {
    number.set(file, number.size);
    lowest.set(file, number.get(file) ?? 0);
    stack.push(file);
    for (const target of graph.get(file) ?? []) {
      if (!graph.has(target)) continue;
      if (!number.has(target)) visit(target);
      const reached = stack.includes(target) ? lowest.get(target) : undefined;
      lowest.set(file, Math.min(lowest.get(file) ?? 0, reached ?? Number.POSITIVE_INFINITY));
    }
    if (lowest.get(file) !== number.get(file)) return;
    const circle = stack.splice(stack.indexOf(file));
    if (circle.length > 1) found.push(circle.sort());
  };
  for (const file of graph.keys()) if (!number.has(file)) visit(file);
  return found;
}

describe('imports go one way', () => {
  it('knows every folder', () => {
    const folders = readdirSync(join(root, 'core'), { withFileTypes: true }).map(({ name }) => name);
    expect(folders.sort()).toEqual([...coreFolders].sort());
    expect(new Set(files.map(layerOf))).toEqual(new Set(Object.keys(layers)));
  });

  it.each(files)('%s', (file) => {
    const layer = layerOf(file);
    const allowed = [layer, ...(layers[layer] ?? [])];
    for (const name of imports.get(file) ?? []) {
      if (isOwn(name)) expect(allowed, `${file} imports ${name}`).toContain(layerOf(name));
      else if (name.startsWith('@aws-sdk/') && layer === 'core')
        expect(file, 'core/aws is the only place in core that talks to AWS').toMatch(/^core\/aws\//);
    }
  });

  it.each(files.filter((file) => layerOf(file) === 'core'))('%s imports no folder below its own', (file) => {
    const own = coreFolders.indexOf(coreFolderOf(file));
    for (const name of (imports.get(file) ?? []).filter(isOwn))
      expect(coreFolders.indexOf(coreFolderOf(name)), `${file} imports ${name}`).toBeLessThanOrEqual(own);
  });

  it('core/errors.ts imports nothing', () => {
    expect(imports.get('core/errors.ts')).toEqual([]);
  });

  it('never form a cycle, types included', () => {
    expect(circles(imports)).toEqual([]);
  });

  it('finds a cycle if there is one', () => {
    const graph = new Map([
      ['a', ['b']],
      ['b', ['c', 'd']],
      ['c', ['a']],
      ['d', []],
    ]);
    expect(circles(graph)).toEqual([['a', 'b', 'c']]);
  });
});

it('no file has the marks of an unfinished merge, which a comment hides from the compiler', () => {
  const unfinished = files.filter((file) =>
    /^(?:<{7} |>{7} |={7}$)/m.test(readFileSync(join(root, file), 'utf8')),
  );
  expect(unfinished).toEqual([]);
});

describe('folders of core', () => {
  it(`have no more than ${mostFiles} files beside their sub-folders`, () => {
    const counts = new Map<string, number>();
    for (const file of files.filter((name) => layerOf(name) === 'core'))
      counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
    expect([...counts].filter(([, count]) => count > mostFiles)).toEqual([]);
  });
});
