import { describe, expect, it } from 'vitest';
import { blobOf } from '../../support/memory-image.ts';
import { MemoryStore } from '../../support/memory-store.ts';
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
