import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';
import { DemoFailure } from './facts.ts';

interface PackageManifest {
  dependencies?: Record<string, string>;
}

/**
 * Where the named packages and all their dependencies are installed, by package name. A package
 * inside another's folder is not listed separately.
 *
 * @param from the file that would import them
 * @throws DemoFailure if a package is not installed
 */
export function installedPackages(names: readonly string[], from: string): Map<string, string> {
  const found = new Map<string, string>();
  const seen = new Set<string>();
  const add = (name: string, importer: string) => {
    const folder = folderOf(name, importer);
    if (folder === undefined) throw new DemoFailure(`the package ${name} is not installed: run npm ci`);
    if (seen.has(folder)) return;
    seen.add(folder);
    if (![...found.values()].some((other) => folder.startsWith(other + sep))) found.set(name, folder);
    const manifest = join(folder, 'package.json');
    const { dependencies = {} } = JSON.parse(readFileSync(manifest, 'utf8')) as PackageManifest;
    for (const dependency of Object.keys(dependencies)) add(dependency, manifest);
  };
  for (const name of names) add(name, from);
  return found;
}

/** Looks where Node would, but for the folder: many packages don't export their package.json. */
function folderOf(name: string, importer: string): string | undefined {
  const roots = createRequire(importer).resolve.paths(name) ?? [];
  const manifest = roots.map((root) => join(root, name, 'package.json')).find(existsSync);
  return manifest === undefined ? undefined : dirname(manifest);
}
