import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DynamoRetiringStore } from '../../../core/aws/dynamodb/mappings/retiring.ts';
import { LeaseError } from '../../../core/mapping/lease.ts';
import { publishMapping } from '../../../core/mapping/publish.ts';
import { RetiringError } from '../../../core/mapping/retiring.ts';
import type { Digest } from '../../../core/oci/digest.ts';
import { deleteGroup } from '../../../core/retention/delete-group.ts';
import { ImageGraph } from '../../../core/retention/plan.ts';
import type { KnownDigest, KnownTag, MirrorContents } from '../../../core/retention/ports.ts';
import { keyOf, type LocalStores, mappingOf, resolveOf, startStores } from '../../support/local-stores.ts';
import { SeededTurns } from '../../support/seeded-turns.ts';

let stores: LocalStores;
let retiring: DynamoRetiringStore;
let count = 0;
beforeAll(async () => {
  stores = await startStores();
  retiring = new DynamoRetiringStore(stores.table);
});
afterAll(() => stores.close());

const mapping = mappingOf('wanted and unwanted');
const { digest } = mapping;
const held = { digest, tags: [] as string[], pushedAt: 0, sizeBytes: 1, isIndex: false };

function placeOf(repository: string) {
  return { registry: 'docker.io', repository };
}

/** What retention reads first. */
async function known(repository: string, store: Pick<DynamoRetiringStore, 'digests' | 'tags'> = retiring) {
  const digests = new Map<Digest, KnownDigest>();
  for await (const each of store.digests(placeOf(repository))) digests.set(each.digest, each);
  const tags = new Map<string, KnownTag>();
  for await (const each of store.tags(placeOf(repository))) tags.set(each.tag, each);
  return { digests, tags };
}

async function publish(
  repository: string,
  tag: string,
  moveTag = async () => {},
  mappings = stores.mappings,
) {
  return await publishMapping(mappings, {
    key: keyOf(tag, repository),
    owner: 'job',
    mapping,
    resolve: resolveOf(mapping, 1),
    moveTag,
  });
}

describe('a digest whose image is being deleted', () => {
  it('can’t be published, by a tag or by itself, until the mark is removed', async () => {
    const repository = `marked-${++count}`;
    const key = keyOf(digest, repository);
    const mark = { owner: 'run', claim: undefined, until: Date.now() + 60_000 };
    expect(await retiring.begin(key, mark)).toBe(true);
    expect(await retiring.begin(key, { ...mark, owner: 'another' })).toBe(false);
    await expect(publish(repository, '1')).rejects.toThrow(RetiringError);
    await expect(publish(repository, digest)).rejects.toThrow(RetiringError);
    await retiring.end(key, 'another');
    await expect(publish(repository, '1')).rejects.toThrow(RetiringError);
    await retiring.end(key, 'run');
    expect(await publish(repository, '1')).toMatchObject({ kind: 'published' });
  });

  it('can’t be published by who put the image before it was deleted', async () => {
    const repository = `put-${++count}`;
    const key = keyOf(digest, repository);
    const deletion = async () => {
      const mark = { owner: 'run', claim: undefined, until: Date.now() + 60_000 };
      expect(await retiring.begin(key, mark)).toBe(true);
      await retiring.end(key, 'run');
    };
    await expect(publish(repository, '1', deletion)).rejects.toThrow(RetiringError);
    expect(await publish(repository, '1')).toMatchObject({ kind: 'published' });
  });

  it('can be published once the mark of a run that died has lapsed', async () => {
    const repository = `lapsed-${++count}`;
    const mark = { owner: 'dead', claim: undefined, until: Date.now() - 1 };
    expect(await retiring.begin(keyOf(digest, repository), mark)).toBe(true);
    expect(await publish(repository, '1')).toMatchObject({ kind: 'published' });
  });

  it('is not marked if it was mapped since it was read, or is in its own right', async () => {
    const repository = `mapped-${++count}`;
    const key = keyOf(digest, repository);
    const before = await known(repository);
    await publish(repository, '1');
    const until = Date.now() + 60_000;
    const claim = before.digests.get(digest)?.claim;
    expect(await retiring.begin(key, { owner: 'run', claim, until })).toBe(false);
    await publish(repository, digest);
    const after = (await known(repository)).digests.get(digest);
    expect(after?.isListed).toBe(true);
    await retiring.forgetWriters(key, after?.writers ?? []);
    expect(await retiring.begin(key, { owner: 'run', claim: after?.claim, until })).toBe(false);
  });
});

it('whatever the order of a job and a run of retention, what is mapped can be pulled', async () => {
  const orders = 24;
  let deleted = 0;
  for (let seed = 1; seed <= orders; seed += 1) {
    const repository = `order-${seed}`;
    const turns = new SeededTurns(seed);
    /** The mirror repository: tags of the image, while it is there. */
    let image: { tags: Set<string> } | undefined = { tags: new Set() };
    const contents: Pick<MirrorContents, 'tagsOf' | 'remove'> = {
      tagsOf: async () => new Map(image ? [[digest, [...image.tags]]] : []),
      remove: async () => {
        image = undefined;
        deleted += 1;
        return new Map();
      },
    };
    const mappings = turns.inTurns(stores.mappings);
    const mirror = async () => {
      for (;;) {
        try {
          const put = async () => {
            await turns.turn();
            image ??= { tags: new Set() };
            image.tags.add('1');
            await turns.turn();
          };
          return await publish(repository, '1', put, mappings);
        } catch (error) {
          if (!(error instanceof RetiringError || error instanceof LeaseError)) throw error;
          await turns.turn();
        }
      }
    };
    const clean = async () => {
      const marks = turns.inTurns(retiring);
      const read = await known(repository);
      await turns.turn();
      if (read.tags.get('1')?.digest === digest) return;
      await deleteGroup(
        {
          place: placeOf(repository),
          mirrorRepository: 'mirror/x',
          images: [held],
          graph: new ImageGraph([held], new Map()),
          ...read,
        },
        {
          mappings,
          retiring: marks,
          contents: turns.inTurns(contents) as MirrorContents,
          owner: `run ${seed}`,
        },
        new AbortController().signal,
      );
    };
    await Promise.all([mirror(), clean()]);
    const [stored] = await stores.mappings.readMany([keyOf('1', repository)]);
    expect(stored?.mapping.digest, `seed ${seed}`).toBe(digest);
    expect(image, `seed ${seed}: the mapped image is gone`).toBeDefined();
    const state = await stores.mappings.read(keyOf(digest, repository));
    expect(state?.mapping?.digest, `seed ${seed}: the digest can be looked up`).toBe(digest);
  }
  expect(deleted, 'both outcomes happen').toBeGreaterThan(0);
  expect(deleted).toBeLessThan(orders);
}, 300_000);
