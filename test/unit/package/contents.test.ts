import { describe, expect, it } from 'vitest';
import { contentProblems } from '../../package/files.ts';
import { type Sbom, sbomProblems } from '../../package/sbom.ts';

describe('what the package must not hold', () => {
  it.each([
    'package/test/unit/errors.test.js',
    'package/dist/lib/image-mirror.test.js',
    'package/dist/core/test/memory.js',
    'package/bench/main.ts',
    'package/dist/lib/image-mirror.ts',
    'package/dist/lib/image-mirror.js.map',
    'package/dist/cli/main.js.map',
    'package/.env',
    'package/docs/generate.ts',
    'package/drayage-0.1.0.tgz',
    'package/node_modules/zod/index.js',
    'package/examples/private-network/app.ts',
  ])('%s', (path) => {
    expect(contentProblems([path])).toContainEqual(
      `${path.slice('package/'.length)} does not belong into the package: see test/package/files.ts`,
    );
  });

  it('nor may anything be missing', () => {
    const problems = contentProblems(['package/LICENSE', 'package/cli/drayage.js']);
    expect(problems).toHaveLength(13);
    expect(problems[0]).toMatch(/LICENSE.* matches 1 files, not 6 or more$/);
  });
});

describe('an SBOM', () => {
  const manifest = { name: 'drayage', version: '0.1.0', dependencies: { zod: '4.6.7' } };
  const lock = {
    packages: {
      '': {},
      'node_modules/zod': { version: '4.6.7' },
      'node_modules/a/node_modules/@b/c': { version: '1.0.0' },
      'node_modules/vitest': { version: '5.1.1', dev: true },
    },
  };
  const component = (name: string, version: string) => ({
    'bom-ref': `${name}@${version}`,
    name,
    version,
    purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
    licenses: [{ license: { id: 'MIT' } }],
    hashes: [{ alg: 'SHA-512', content: 'a'.repeat(128) }],
  });
  const sbom: Sbom = {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    serialNumber: 'urn:uuid:6f2c1a3e-0000-4000-8000-000000000000',
    metadata: { component: { purl: 'pkg:npm/drayage@0.1.0' } },
    components: [component('zod', '4.6.7'), component('@b/c', '1.0.0')],
    dependencies: [{ ref: 'zod@4.6.7' }, { ref: '@b/c@1.0.0' }],
  };
  const [zod, other] = sbom.components as [Sbom['components'][0], Sbom['components'][0]];

  it('of all that is published has no problem', () => {
    expect(sbomProblems(sbom, manifest, lock)).toEqual([]);
  });

  it.each<[string, Partial<Sbom>]>([
    ['SBOM: the format is SPDX 1.5, not CycloneDX 1.4 or newer', { bomFormat: 'SPDX' }],
    ['SBOM: the serial number 1 is not a UUID', { serialNumber: '1' }],
    [
      'SBOM: it is about pkg:npm/x@1, not pkg:npm/drayage@0.1.0',
      { metadata: { component: { purl: 'pkg:npm/x@1' } } },
    ],
    ['SBOM: the dependency zod@4.6.7 is missing', { components: [other] }],
    ['SBOM: @b/c@1.0.0 of package-lock.json is missing', { components: [zod] }],
    ['SBOM: @b/c@1.0.0 has no SHA-512 hash', { components: [zod, { ...other, hashes: [] }] }],
    ['SBOM: @b/c@1.0.0 has the purl x', { components: [zod, { ...other, purl: 'x' }] }],
    ['SBOM: @b/c@1.0.0 is in no dependency graph', { dependencies: [{ ref: 'zod@4.6.7' }] }],
    [
      'SBOM: @b/c@1.0.0 has the licence GPL-3.0-only, which is not in the list of test/package/sbom.ts',
      { components: [zod, { ...other, licenses: [{ license: { id: 'GPL-3.0-only' } }] }] },
    ],
    [
      'SBOM: @b/c@1.0.0 has the licence unknown, which is not in the list of test/package/sbom.ts',
      { components: [zod, { ...other, licenses: [] }] },
    ],
  ])('%s', (problem, change) => {
    expect(sbomProblems({ ...sbom, ...change }, manifest, lock)).toContain(problem);
  });
});
