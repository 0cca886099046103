import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { containerd } from '../../../../core/exports/formats/containerd.ts';
import { openshift } from '../../../../core/exports/formats/openshift.ts';
import { registriesConf } from '../../../../core/exports/formats/registries-conf.ts';
import type { Mapping } from '../../../../core/mapping/record.ts';
import { parseReference } from '../../../../core/oci/reference.ts';
import { mappedImages } from '../../../support/hostile-names.ts';
import { inOrder, mapped, mirrorHost, textOf } from '../../../support/mapped.ts';

const nginx = mapped('nginx:1.27');
const other = mapped('nginx:1.28');
const shop = mapped('ghcr.io/acme/shop:1.0');
/** Amazon ECR takes no doubled separators. */
const odd = mapped('ghcr.io/acme/shop__old:1.0');
const local = mapped('quay.io/acme/shop:1.0', { host: '127.0.0.1:5000' });

const repositoryOf = ({ image }: Mapping) => {
  const { registry, repository } = parseReference(image);
  return `${registry}/${repository}`;
};
const mirrorOf = ({ mirror }: Mapping) => repositoryOf({ image: mirror } as Mapping);
const withoutComments = (text: string) =>
  text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n');

describe('the export for CRI-O, Podman and skopeo', () => {
  const conf = async (...mappings: Mapping[]) => await textOf(registriesConf.render(inOrder(mappings)));

  it('has each repository once, with the mirror’s', async () => {
    expect(withoutComments(await conf(nginx, other, odd))).toBe(`
[[registry]]
prefix = "docker.io/library/nginx"
location = "docker.io/library/nginx"
[[registry.mirror]]
location = "${mirrorHost}/mirror/docker.io/library/nginx"

[[registry]]
prefix = "ghcr.io/acme/shop__old"
location = "ghcr.io/acme/shop__old"
[[registry.mirror]]
location = "${mirrorOf(odd)}"
`);
  });

  it('allows plain HTTP for drayage local only', async () => {
    expect(await conf(local)).toContain(
      'location = "127.0.0.1:5000/mirror/quay.io/acme/shop"\ninsecure = true\n',
    );
    expect(await conf(nginx)).not.toContain('insecure');
  });

  it('is a comment without mappings', async () => {
    expect(withoutComments(await conf()).trim()).toBe('');
  });
});

describe('the export for OpenShift', () => {
  const documents = async (...mappings: Mapping[]) =>
    parseAllDocuments(await textOf(openshift.render(inOrder(mappings)))).map((document) => {
      if ('errors' in document) expect(document.errors).toEqual([]);
      return (document as { toJS(): unknown }).toJS();
    });

  it('has the repositories for digests and for tags', async () => {
    const item = ([registry, mirror]: [string, string]) => ({
      source: registry,
      mirrorSourcePolicy: 'AllowContactingSource',
      mirrors: [mirror],
    });
    const items = [nginx, shop].map((each) => item([repositoryOf(each), mirrorOf(each)]));
    const of = (kind: string, field: string) => ({
      apiVersion: 'config.openshift.io/v1',
      kind,
      metadata: { name: 'drayage' },
      spec: { [field]: items },
    });
    expect(await documents(nginx, other, shop)).toEqual([
      of('ImageDigestMirrorSet', 'imageDigestMirrors'),
      of('ImageTagMirrorSet', 'imageTagMirrors'),
    ]);
  });

  it('is valid without mappings, and with any names', { timeout: 30_000 }, async () => {
    expect(await documents()).toHaveLength(2);
    await fc.assert(
      fc.asyncProperty(mappedImages, async (mappings) => {
        const sources = new Set(mappings.map(repositoryOf));
        const [first] = (await documents(...mappings)) as {
          spec: { imageDigestMirrors: { source: string }[] };
        }[];
        expect(first?.spec.imageDigestMirrors.map(({ source }) => source).sort()).toEqual(
          [...sources].sort(),
        );
      }),
      { numRuns: 200 },
    );
  });
});

describe('the export for containerd', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'drayage-hosts-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const script = async (...mappings: Mapping[]) => {
    const file = join(folder, 'export.sh');
    writeFileSync(file, await textOf(containerd.render(inOrder(mappings))));
    return file;
  };
  const files = async (...mappings: Mapping[]) => (await containerd.files?.(inOrder(mappings))) ?? [];
  const read = (registry: string) => readFileSync(join(folder, 'certs.d', registry, 'hosts.toml'), 'utf8');
  const run = (file: string, env: NodeJS.ProcessEnv = {}) =>
    spawnSync('sh', [file, join(folder, 'certs.d')], { encoding: 'utf8', env: { ...process.env, ...env } });

  it('writes a file for each registry', async () => {
    execFileSync('sh', [await script(nginx, shop, local), join(folder, 'certs.d')]);
    expect(readdirSync(join(folder, 'certs.d')).sort()).toEqual(['docker.io', 'ghcr.io', 'quay.io']);
    expect(read('docker.io')).toBe(`# Written by drayage export containerd.

[host."https://${mirrorHost}/v2/mirror/docker.io"]
  capabilities = ["pull", "resolve"]
  override_path = true
`);
    expect(read('quay.io')).toContain('[host."http://127.0.0.1:5000/v2/mirror/quay.io"]');
  });

  it('names what the mirror has under another name', async () => {
    const text = await textOf(containerd.render(inOrder([shop, odd])));
    const line = `# - ghcr.io/acme/shop__old: ${mirrorOf(odd)}\n`;
    expect(text.indexOf(line)).toBeLessThan(text.indexOf('set -eu'));
    expect((await files(shop, odd))[0]?.text).toContain(line);
    expect(mirrorOf(odd)).toMatch(/\.[0-9a-f]{10}$/);
    // Nothing is left to write for a registry whose repositories are all such.
    expect(await files(odd)).toEqual([]);
  });

  it('adds the mirror’s login, which only its owner can read', async () => {
    const file = await script(nginx);
    expect(run(file, { DRAYAGE_MIRROR_PASSWORD: 'p"$(touch x)\\' })).toMatchObject({ status: 0, stderr: '' });
    const login = Buffer.from('AWS:p"$(touch x)\\').toString('base64');
    expect(read('docker.io')).toContain(
      `[host."https://${mirrorHost}/v2/mirror/docker.io".header]\n  Authorization = ["Basic ${login}"]\n`,
    );
    expect(statSync(join(folder, 'certs.d/docker.io/hosts.toml')).mode & 0o077).toBe(0);
  });

  it('does not write the login into a file that an interrupted run has left', async () => {
    const draft = join(folder, 'certs.d/docker.io/hosts.toml.drayage');
    mkdirSync(join(folder, 'certs.d/docker.io'), { recursive: true });
    writeFileSync(draft, 'half', { mode: 0o644 });
    expect(run(await script(nginx), { DRAYAGE_MIRROR_PASSWORD: 'secret' })).toMatchObject({ status: 0 });
    expect(statSync(join(folder, 'certs.d/docker.io/hosts.toml')).mode & 0o077).toBe(0);
    expect(existsSync(draft)).toBe(false);
  });

  it.each(['-e', '--help', '-', "it's $(touch x) `touch x`", 'a\nb', '*', '!', '~', 'a\\b"c', ' '])(
    'writes into a folder of any name: %j',
    async (name) => {
      const file = await script(nginx, shop);
      // Twice: the second run looks at the files of the first.
      for (let times = 0; times < 2; times++)
        expect(spawnSync('sh', [file, name], { encoding: 'utf8', cwd: folder })).toMatchObject({
          status: 0,
          stdout: '',
          stderr: '',
        });
      expect(readdirSync(folder).sort()).toEqual([name, 'export.sh'].sort());
      expect(readdirSync(join(folder, name)).sort()).toEqual(['docker.io', 'ghcr.io']);
    },
  );

  it('replaces its own files, and leaves those of others alone', async () => {
    const file = await script(nginx, shop);
    expect(run(file).status).toBe(0);
    const theirs = '# ours\nserver = "https://registry-1.docker.io"\n';
    writeFileSync(join(folder, 'certs.d/docker.io/hosts.toml'), theirs);
    writeFileSync(join(folder, 'certs.d/ghcr.io/hosts.toml'), '# Written by drayage export containerd.\nold');
    const again = run(file);
    expect(again.status).toBe(1);
    expect(again.stderr).toContain('docker.io/hosts.toml was not written by drayage and stays as it is');
    expect(read('docker.io')).toBe(theirs);
    expect(read('ghcr.io')).not.toContain('old');
  });

  it('runs nothing that is in a name, and writes what --output-dir does', { timeout: 30_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(mappedImages, async (mappings) => {
        rmSync(join(folder, 'certs.d'), { recursive: true, force: true });
        expect(run(await script(...mappings))).toMatchObject({ status: 0, stdout: '', stderr: '' });
        const expected = await files(...mappings);
        for (const { path, text } of expected)
          expect(readFileSync(join(folder, 'certs.d', path), 'utf8')).toBe(text);
        const written = existsSync(join(folder, 'certs.d')) ? readdirSync(join(folder, 'certs.d')) : [];
        expect(written.sort()).toEqual(expected.map(({ path }) => path.replace('/hosts.toml', '')).sort());
      }),
      { numRuns: 40 },
    );
  });

  it('does nothing without mappings', async () => {
    mkdirSync(join(folder, 'certs.d'));
    expect(run(await script())).toMatchObject({ status: 0, stdout: '', stderr: '' });
    expect(readdirSync(join(folder, 'certs.d'))).toEqual([]);
  });
});
