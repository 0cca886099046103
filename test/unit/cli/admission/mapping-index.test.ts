import { describe, expect, it } from 'vitest';
import { CompactList } from '../../../../cli/admission/compact-list.ts';
import { InvalidExportError, indexExport } from '../../../../cli/admission/mapping-index.ts';
import { MappingList } from '../../../../cli/mapping/look-up.ts';
import { json } from '../../../../core/exports/formats/json.ts';
import type { Mapping } from '../../../../core/mapping/record.ts';
import { digestOf, podMappings } from '../../../support/pods/mappings.ts';
import { mappedSpellings, otherSpellings } from '../../../support/pods/spellings.ts';

async function exportOf(mappings: readonly Mapping[]): Promise<string> {
  let text = '';
  for await (const piece of json.render(
    (async function* () {
      yield* mappings;
    })(),
  ))
    text += piece;
  return text;
}

const base = podMappings();
const [nginx, other] = base as [Mapping, Mapping];
const host = 'mirror.example:5000';
/** Mirrors that name images otherwise, tags that share a digest, and regions that lag. */
const odd: Mapping[] = [
  { ...nginx, image: 'x.example/a:1', mirror: `${host}/b:one`, pinned: `${host}/b@${nginx.digest}` },
  { ...nginx, image: 'x.example/a:2', mirror: `${host}/c:2`, pinned: `${host}/d@${nginx.digest}` },
  { ...other, image: 'x.example/a:3', mirror: `${host}/b:3`, pinned: `${host}/b@${other.digest}` },
  {
    ...other,
    image: `x.example/a@${other.digest}`,
    mirror: `${host}/own@${other.digest}`,
    pinned: `${host}/own@${other.digest}`,
  },
  {
    ...nginx,
    image: 'x.example/lag:1',
    regions: {
      'eu-west-1': { mirror: nginx.mirror, digest: nginx.digest },
      'us-east-1': { mirror: `us.example/lag:1`, digest: digestOf('older') },
    },
  },
];
const images = [
  ...mappedSpellings,
  ...otherSpellings,
  ...odd.map(({ image }) => image),
  ...[nginx.digest, other.digest, digestOf('older')].flatMap((digest) => [
    `x.example/a@${digest}`,
    `x.example/lag@${digest}`,
  ]),
];

describe('the compact list', () => {
  it.each([undefined, 'eu-west-1', 'us-east-1', 'none'])(
    'answers as MappingList does, region %s',
    (region) => {
      for (const mappings of [[...base, ...odd], [...odd, ...base].reverse()]) {
        const compact = new CompactList(region);
        for (const mapping of mappings) compact.add(mapping);
        const list = new MappingList(mappings, region);
        let found = 0;
        for (const image of images) {
          let wanted: Mapping | undefined;
          try {
            wanted = list.find(image);
          } catch {
            expect(() => compact.find(image)).toThrow();
            continue;
          }
          if (wanted) found++;
          expect(compact.find(image), image).toEqual(
            wanted && { mirror: wanted.mirror, pinned: wanted.pinned },
          );
        }
        expect(found > 0).toBe(region !== 'none');
      }
    },
  );
});

describe('an export', () => {
  it('is read as the API writes it', async () => {
    const index = await indexExport(await exportOf(base), undefined);
    expect(index.count).toBe(base.length);
    expect(index.mapping('nginx:1.27')?.pinned).toBe(nginx.pinned);
    expect(index.isMirror('111122223333.dkr.ecr.eu-west-1.amazonaws.com')).toBe(true);
    expect(index.isMirror('docker.io')).toBe(false);
    expect((await indexExport(await exportOf([]), undefined)).count).toBe(0);
  });

  it('is refused at any length but its own, and with anything else in it', async () => {
    const text = await exportOf([nginx, other]);
    for (let length = 0; length < text.trimEnd().length; length++)
      await expect(indexExport(text.slice(0, length), undefined)).rejects.toThrow(InvalidExportError);
    for (const wrong of [
      '',
      '{}',
      `${text}x`,
      text.replace('"version":1', '"version":2'),
      text.replace('"pinned":', '"p":'),
      text.replace(',\n', '\n'.repeat(2)),
      text.replace('docker.io/library/nginx', 'NO'),
    ])
      await expect(indexExport(wrong, undefined)).rejects.toThrow(InvalidExportError);
  });
});
