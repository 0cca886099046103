import { describe, expect, it } from 'vitest';
import { MemoryStore } from '../../../core/copy/memory-store.ts';
import { blobOf } from '../../support/memory-image.ts';
import { describeDestination } from './destination-contract.ts';
import { memorySubject } from './subjects.ts';

describe('the store in memory', () => {
  describeDestination(memorySubject);

  it('verifies a blob that is read back', async () => {
    const store = new MemoryStore('memory.example/app');
    store.blobs.set(blobOf('what was promised').digest, Buffer.from('what is there now'));
    await expect(store.readBlob(blobOf('what was promised'))).rejects.toThrow(/sha256:/);
  });
});
