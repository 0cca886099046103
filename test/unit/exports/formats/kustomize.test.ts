import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { MappingList } from '../../../../cli/mapping/look-up.ts';
import { kustomize } from '../../../../core/exports/formats/kustomize.ts';
import type { Mapping } from '../../../../core/mapping/record.ts';
import { digestOf } from '../../../../core/oci/digest.ts';
import { mappedImages, spellingsOf } from '../../../support/hostile-names.ts';
import { inOrder, mapped, mirrorHost, textOf } from '../../../support/mapped.ts';

interface Entry {
  name: string;
  newName: string;
  digest: string;
}

async function entriesOf(mappings: readonly Mapping[]): Promise<Entry[]> {
  const component = parse(await textOf(kustomize.render(inOrder(mappings))));
  expect(component).toMatchObject({ apiVersion: 'kustomize.config.k8s.io/v1alpha1', kind: 'Component' });
  return component.images;
}

/**
 * What kustomize makes of a reference: each entry in turn, its name between these patterns.
 * https://github.com/kubernetes-sigs/kustomize/blob/master/api/image/image.go
 */
function kustomized(reference: string, entries: readonly Entry[]): string {
  return entries.reduce((image, { name, newName, digest }) => {
    const pattern = new RegExp(`^${name}(:[a-zA-Z0-9_.{}-]*)?(@sha256:[a-zA-Z0-9_.{}-]*)?$`);
    return pattern.test(image) ? `${newName}@${digest}` : image;
  }, reference);
}

describe('the export for kustomize', () => {
  const nginx = mapped('nginx:1.27');
  const latest = mapped('nginx');
  const shop = mapped('ghcr.io/acme/shop:1.0');
  const pinned = mapped(`ghcr.io/acme/shop@${digestOf(Buffer.from('old'))}`);

  it.each([
    ['nginx:1.27', nginx.pinned],
    ['library/nginx:1.27', nginx.pinned],
    ['docker.io/nginx:1.27', nginx.pinned],
    ['index.docker.io/library/nginx:1.27', nginx.pinned],
    ['nginx', latest.pinned],
    ['nginx:latest', latest.pinned],
    ['docker.io/library/nginx', latest.pinned],
    [`nginx@${nginx.digest}`, nginx.pinned],
    [`nginx:9@${nginx.digest}`, nginx.pinned],
    ['ghcr.io/acme/shop:1.0', shop.pinned],
    [pinned.image, pinned.pinned],
    // Not these.
    ['nginx:1x27', undefined],
    ['nginx:1.27.1', undefined],
    ['nginx:1.27-alpine', undefined],
    [`nginx:1.27@${digestOf(Buffer.from('other'))}`, undefined],
    ['my/nginx:1.27', undefined],
    ['xnginx:1.27', undefined],
    ['ghcr.io/acme/shop', undefined],
    ['ghcrxio/acme/shop:1.0', undefined],
    ['registry.example/ghcr.io/acme/shop:1.0', undefined],
    [nginx.pinned, undefined],
  ])('%s', async (reference, expected) => {
    const entries = await entriesOf([nginx, latest, shop, pinned]);
    expect(kustomized(reference, entries)).toBe(expected ?? reference);
  });

  it('needs one entry for all tags of an image', async () => {
    const { digest } = nginx;
    const same = ['1.27.3', '1.27', '1', 'latest'].map((tag) => mapped(`nginx:${tag}`, { digest }));
    const entries = await entriesOf([...same, mapped(`nginx@${digest}`)]);
    expect(entries).toHaveLength(1);
    for (const { image } of same) expect(kustomized(image, entries)).toBe(nginx.pinned);
    expect(entries[0]?.newName).toBe(`${mirrorHost}/mirror/docker.io/library/nginx`);
  });

  it('is valid without mappings', async () => {
    expect(await entriesOf([])).toEqual([]);
  });

  it('keeps Docker Hub’s name where a path would be read as a registry', async () => {
    const odd = mapped('docker.io/localhost/app:1');
    const entries = await entriesOf([odd]);
    expect(kustomized('docker.io/localhost/app:1', entries)).toBe(odd.pinned);
    expect(kustomized('localhost/app:1', entries)).toBe('localhost/app:1');
  });

  it('does what drayage rewrite does, whatever names upstreams choose', { timeout: 30_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(mappedImages, fc.infiniteStream(fc.nat()), async (mappings, numbers) => {
        const list = new MappingList(mappings);
        const entries = await entriesOf(mappings);
        for (const { image, digest } of mappings)
          for (const reference of spellingsOf(image, digest, numbers.next().value ?? 0))
            expect(kustomized(reference, entries), reference).toBe(list.find(reference)?.pinned ?? reference);
      }),
      { numRuns: 200 },
    );
  });
});
