import { describe, expect, it } from 'vitest';
import { nextLink } from '../../../../core/registry/operations/lists/links.ts';

describe('nextLink', () => {
  it.each([
    ['</v2/a/tags/list?n=2&last=b>; rel="next"', '/v2/a/tags/list?n=2&last=b'],
    ['</x>;rel=next', '/x'],
    ['</p>; rel="prev", </n>; title="a, b; \\"c\\""; rel="foo next"', '/n'],
    ['<https://r.example/x,y>; REL="NEXT"', 'https://r.example/x,y'],
    // Without a relation, without brackets, without either.
    ['</p>', '/p'],
    ['</p>; title="more"', '/p'],
    ['/p; rel="next"', '/p'],
    ['/v2/a/tags/list?n=2&last=b', '/v2/a/tags/list?n=2&last=b'],
    ['https://r.example/x; rel=next', 'https://r.example/x'],
    ['?last=b', '?last=b'],
    // In single quotes, empty, and where another parameter looks like one.
    ["</p>; rel='next'", '/p'],
    ["/v2/a/tags/list?last=2;rel='next'", '/v2/a/tags/list?last=2'],
    ['</p>; rel=""', '/p'],
    ['</p>; title="; rel=prev"; rel="next"', '/p'],
  ])('of %j leads to %j', (header, target) => expect(nextLink(header)).toEqual({ kind: 'next', target }));

  it.each(['</p>; rel="prev"', '</f>; rel=first, </l>; rel=last', '/p; rel="prev"', '', ' ', undefined])(
    'of %j is the end',
    (header) => expect(nextLink(header)).toEqual({ kind: 'none' }),
  );

  it.each([
    'next',
    '/a; rel="prev", /b; rel="next"',
    '</p>; rel="more"',
    '</a>, </b>',
    '</p>; rel="prev", garbage',
    '[/a]; rel="next"',
    'rel="next"',
  ])('of %j is not understood', (header) => expect(nextLink(header)).toEqual({ kind: 'unintelligible' }));
});
