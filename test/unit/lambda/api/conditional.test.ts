import { describe, expect, it } from 'vitest';
import { conditionalJson, matchesTag } from '../../../../lambda/api/conditional.ts';
import type { HttpRequest } from '../../../../lambda/shared/http.ts';

const request = (ifNoneMatch?: string) =>
  ({
    headers: ifNoneMatch === undefined ? {} : { 'if-none-match': ifNoneMatch },
  }) as unknown as HttpRequest;
const mapping = (more: object = {}) => ({
  image: 'docker.io/library/nginx:1',
  revision: 1,
  observedAt: '2026-01-01T00:00:00.000Z',
  mirroredAt: '2026-01-01T00:00:00.000Z',
  ...more,
});
const tagOf = (body: object) => String(conditionalJson(request(), body).headers?.etag);

describe('an entity tag', () => {
  it('is weak, and stays the same when only the times change, at any depth', () => {
    expect(tagOf(mapping())).toMatch(/^W\/"[\w-]{43}"$/);
    const later = mapping({ observedAt: '2026-02-02T00:00:00.000Z', mirroredAt: '2026-02-02T00:00:00.000Z' });
    expect(tagOf(later)).toBe(tagOf(mapping()));
    expect(tagOf({ mappings: [later] })).toBe(tagOf({ mappings: [mapping()] }));
  });

  it('changes with anything else', () => {
    expect(tagOf(mapping({ revision: 2 }))).not.toBe(tagOf(mapping()));
    expect(tagOf({ mappings: [mapping()], cursor: 'x' })).not.toBe(tagOf({ mappings: [mapping()] }));
  });

  it('that the caller has is answered with 304 and no body', () => {
    const etag = tagOf(mapping());
    expect(conditionalJson(request(etag), mapping())).toEqual({
      statusCode: 304,
      headers: { etag, 'cache-control': 'no-cache' },
    });
    expect(conditionalJson(request('W/"other"'), mapping())).toMatchObject({ statusCode: 200 });
  });
});

describe('If-None-Match', () => {
  it.each(['W/"a"', '"a"', '"b", W/"a"', '"b","a"', '"x,y" , "a"', ',"a",', '*', ' * '])(
    '%s matches',
    (header) => {
      expect(matchesTag(header, 'W/"a"')).toBe(true);
    },
  );

  it.each([undefined, '', 'a', 'W/a', '"b"', '"A"', '"*"', 'w/"b"', '"b, a"', '**'])(
    '%s does not match',
    (header) => {
      expect(matchesTag(header, 'W/"a"')).toBe(false);
    },
  );
});
