import { randomUUID } from 'node:crypto';
import { inParallel } from '../../../async/in-parallel.ts';
import type { DigestKey, MappingRecord } from '../../../mapping/record.ts';
import type { Digest } from '../../../oci/digest.ts';
import { conditional, type ItemUpdate, readItem, type Table, updateItem } from '../table.ts';
import { hasRoom, mostInSet, type TagItem, tagItemKey } from './tag-item.ts';

/** Updates at once: an index has a handful of children, but may have a thousand. */
const updatesAtOnce = 16;

/**
 * Records what the manifests below an index are mapped to, each with the indexes that name it. The
 * index's own item gets the list last, so that it is complete if it is there.
 *
 * @param children absent: those that were recorded before stay
 */
export async function putChildren(
  table: Table,
  parent: DigestKey,
  children: MappingRecord[] | undefined,
): Promise<void> {
  if (children === undefined) {
    const item = (await readItem(table, tagItemKey(parent))) as TagItem | undefined;
    await keepChildren(table, parent, item?.children ?? []);
    return;
  }
  if (children.length === 0) return;
  await inParallel(children, updatesAtOnce, async (mapping) => {
    const { Attributes } = await addParent(table, parent, mapping.digest, {
      // A child that was mapped in its own right keeps what its own job found.
      update:
        'SET #mapping = if_not_exists(#mapping, :mapping), revision = if_not_exists(revision, :one), claim = :claim ADD parents :parent REMOVE expiresAt',
      names: { '#mapping': 'mapping' },
      values: {
        ':mapping': mapping,
        ':one': 1,
        ':claim': randomUUID(),
      },
    });
    await coverChild(table, parent, mapping, (Attributes as TagItem | undefined)?.mapping);
  });
  await send(table, parent, parent.reference, {
    update: 'SET children = :children',
    values: { ':children': children.map(({ digest }) => digest) },
  });
}

/** Notes what was verified of the index, with a child that was recorded before it was. */
async function coverChild(
  table: Table,
  parent: DigestKey,
  { digest, verified, verifiedUnder }: MappingRecord,
  recorded: MappingRecord | undefined,
): Promise<void> {
  if (verified === undefined || verifiedUnder === undefined || recorded?.verifiedUnder === verifiedUnder)
    return;
  await conditional(
    send(table, parent, digest, {
      update: 'SET #mapping.verified = :verified, #mapping.verifiedUnder = :under',
      condition: '#mapping.digest = :digest',
      names: { '#mapping': 'mapping' },
      values: { ':verified': verified, ':under': verifiedUnder, ':digest': digest },
    }),
  );
}

/** Notes for recorded children that this index names them. */
async function keepChildren(table: Table, parent: DigestKey, children: Digest[]): Promise<void> {
  await inParallel(children, updatesAtOnce, (child) =>
    addParent(table, parent, child, {
      update: 'SET claim = :claim ADD parents :parent REMOVE expiresAt',
      values: { ':claim': randomUUID() },
    }),
  );
}

/** Stands for the indexes that did not fit into a child's item: it never expires. */
const unknownParent = 'more';

/** Updates a child, and adds the index to those that name it. Returns the new item. */
async function addParent(table: Table, parent: DigestKey, child: Digest, { values, ...update }: ItemUpdate) {
  const written = await conditional(
    send(table, parent, child, {
      ...update,
      condition: hasRoom('parents'),
      values: { ...values, ':parent': new Set([parent.reference]), ':most': mostInSet },
    }),
  );
  const unknown = { ...values, ':parent': new Set([unknownParent]) };
  return written ?? (await send(table, parent, child, { ...update, values: unknown }));
}

/** Children that shall expire with the index that names them. */
export interface RetiredChildren {
  children: Digest[];
  /** The digests that tags of the repository were mapped to, read before the index was retired. */
  tagged: ReadonlySet<string>;
  /** Seconds since 1970. */
  expiresAt: number;
}

/**
 * Lets the children of an index expire with it, unless another index names them, a tag is mapped to
 * them, or they were published in their own right.
 *
 * The index may be mapped again meanwhile: its item then no longer expires, and its children get it
 * back. Whoever maps it changes the item first and the children after that, so either they repair
 * what was taken away here, or this sees the item.
 */
export async function retireChildren(
  table: Table,
  parent: DigestKey,
  { children, tagged, expiresAt }: RetiredChildren,
): Promise<void> {
  const left = await inParallel(children, updatesAtOnce, async (child) => {
    const { Attributes } = await send(table, parent, child, {
      update: 'DELETE parents :parent',
      values: { ':parent': new Set([parent.reference]) },
    });
    return Attributes as TagItem | undefined;
  });
  const item = (await readItem(table, tagItemKey(parent))) as TagItem | undefined;
  if (item?.expiresAt === undefined) {
    await keepChildren(table, parent, children);
    return;
  }
  const orphans = children.flatMap((child, index) => {
    const { mapping, parents, listed, claim } = left[index] ?? {};
    return !mapping || parents || listed || tagged.has(child) ? [] : [{ child, claim }];
  });
  await inParallel(orphans, updatesAtOnce, ({ child, claim }) =>
    conditional(
      send(table, parent, child, {
        update: 'SET expiresAt = :expiresAt',
        condition: `attribute_not_exists(parents) AND attribute_not_exists(listed) AND ${sameClaim(claim)}`,
        values: { ':expiresAt': expiresAt, ...(claim !== undefined && { ':claim': claim }) },
      }),
    ),
  );
}

/** The condition that nobody has mapped a digest again since its claim was read. */
export function sameClaim(claim: string | undefined): string {
  return claim === undefined ? 'attribute_not_exists(claim)' : 'claim = :claim';
}

/** Updates the item of a manifest in the repository of `near`. */
function send(table: Table, near: DigestKey, reference: Digest, update: ItemUpdate) {
  return updateItem(table, tagItemKey({ ...near, reference }), update);
}
