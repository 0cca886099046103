import { describe, expect, it } from 'vitest';
import { reportForeignLayers, servedForeignLayers } from '../../../core/copy/foreign-layers.ts';
import { mediaTypes } from '../../../core/oci/media-types.ts';
import { RegistryError } from '../../../core/registry/errors.ts';
import { blobOf } from '../../support/memory-image.ts';
import { MemoryStore } from '../../support/memory-store.ts';
import { sourceLike } from '../../support/recording-stores.ts';

const layer = (name: string, ...urls: string[]) => ({
  ...blobOf(name, mediaTypes.dockerForeignLayerGzip),
  urls,
});
const layers = ['one', 'two', 'three'].map((name) => layer(name, `https://${name}.example/blob`));

function failing(temporary: boolean, status: number) {
  const error = new RegistryError(
    { side: 'upstream', registry: 'up.example', operation: 'check blob' },
    { code: 'X', reason: 'no', status, temporary },
  );
  return sourceLike(new MemoryStore('up'), { hasBlob: () => Promise.reject(error) } as object);
}

describe('foreign layers', () => {
  it('are copied if the upstream registry has them, with the size that the image states', async () => {
    const store = new MemoryStore('up.example/windows');
    store.blobs.set(layers[1]?.digest ?? 'sha256:', Buffer.from('two'));
    store.blobs.set(layers[2]?.digest ?? 'sha256:', Buffer.from('other bytes'));
    expect(await servedForeignLayers(store, layers)).toEqual([layers[1]]);
  });

  it('are not looked for if the source cannot tell, or if there are none', async () => {
    expect(await servedForeignLayers(sourceLike(new MemoryStore('up'), {}), layers)).toEqual([]);
    expect(await servedForeignLayers(failing(true, 503), [])).toEqual([]);
  });

  it('are absent if the registry refuses them for good', async () => {
    expect(await servedForeignLayers(failing(false, 403), layers)).toEqual([]);
  });

  it('do not count as absent while the registry has trouble, or when the job is cancelled', async () => {
    await expect(servedForeignLayers(failing(true, 503), layers)).rejects.toMatchObject({ status: 503 });
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(servedForeignLayers(failing(false, 403), layers, { signal })).rejects.toThrow('enough');
  });

  it('are reported with the hosts that have them', () => {
    expect(reportForeignLayers([])).toBeUndefined();
    expect(reportForeignLayers([layer('a', 'https://mcr.example/a')])).toEqual({
      blobs: 1,
      bytes: 1,
      note: '1 foreign layer is not in the upstream registry and not copied: clients fetch them from mcr.example',
    });
    const many = Array.from({ length: 5 }, (_, i) => layer(`${i}`, `https://h${i}.example/`, 'no url'));
    expect(reportForeignLayers(many)?.note).toContain('5 foreign layers are');
    expect(reportForeignLayers(many)?.note).toMatch(/h0\.example, h1\.example, h2\.example and 2 more$/);
    expect(reportForeignLayers([layer('b', 'nonsense')])?.note).toContain('clients may not find them');
  });
});
