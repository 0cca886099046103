import { describe, expect, it } from 'vitest';
import { formatTable } from '../../../../cli/terminal/table.ts';

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;
const blobs = [
  ['missing', digest, '12.3 MB', 'application/vnd.oci.image.layer.v1.tar+gzip'],
  ['present', digest, '806 B', 'application/vnd.oci.image.config.v1+json'],
];
const layout = { align: 'llrl', leaveOut: [3] };

describe('a table on a terminal', () => {
  it('is whole if there is room, and if no width is known', () => {
    const [line] = formatTable(blobs, { ...layout, width: 200 });
    expect(line).toBe(`missing  ${digest}  12.3 MB  application/vnd.oci.image.layer.v1.tar+gzip`);
    expect(formatTable(blobs, layout)).toEqual(formatTable(blobs, { ...layout, width: 200 }));
  });

  it.each([
    [100, `missing  ${digest}  12.3 MB`],
    [79, 'missing  sha256:0123456789ab…  12.3 MB'],
    [36, 'missing  sha256:01234567…  12.3 MB'],
  ])('has fewer columns, then shorter digests, within %i cells', (width, expected) => {
    const lines = formatTable(blobs, { ...layout, width });
    expect(lines[0]).toBe(expected);
    expect(lines).toHaveLength(blobs.length);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(width);
  });

  const rows = [
    ['API', '127.0.0.1:40123', 'the handlers that run on Lambda'],
    ['mirror', '127.0.0.1:40124', 'ECR'],
  ];

  it('continues its last column below itself, or below the second', () => {
    expect(formatTable(rows, { width: 50 })).toEqual([
      'API     127.0.0.1:40123  the handlers that run on',
      '                         Lambda',
      'mirror  127.0.0.1:40124  ECR',
    ]);
    expect(formatTable(rows, { width: 34 })).toEqual([
      'API     127.0.0.1:40123',
      '        the handlers that run on',
      '        Lambda',
      'mirror  127.0.0.1:40124  ECR',
    ]);
  });

  it('counts cells, not characters', () => {
    expect(
      formatTable([
        ['日本', 'a'],
        ['abcd', 'b'],
      ]),
    ).toEqual(['日本  a', 'abcd  b']);
  });

  it('breaks text that has no space to break at', () => {
    const paint = (style: string, text: string) => `<${style}>${text}</${style}>`;
    expect(formatTable([['a', { text: 'x'.repeat(30), style: 'dim' }]], { width: 28, paint })).toEqual([
      `a  <dim>${'x'.repeat(25)}</dim>`,
      `   <dim>${'x'.repeat(5)}</dim>`,
    ]);
  });
});
