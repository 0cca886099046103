import { describe, expect, it } from 'vitest';
import { nextLink } from '../../../core/registry/links.ts';

describe('nextLink', () => {
  it.each([
    ['</v2/a/tags/list?n=2&last=b>; rel="next"', '/v2/a/tags/list?n=2&last=b'],
    ['</x>;rel=next', '/x'],
    ['</p>; rel="prev", </n>; title="a, b; \\"c\\""; rel="foo next"', '/n'],
    ['<https://r.example/x,y>; REL="NEXT"', 'https://r.example/x,y'],
    ['</p>; rel="prev"', undefined],
    ['</p>', undefined],
    ['/p; rel="next"', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('of %j is %j', (header, target) => expect(nextLink(header)).toBe(target));
});
