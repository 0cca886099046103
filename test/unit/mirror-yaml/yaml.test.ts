import { describe, expect, it } from 'vitest';
import { maxConfigBytes } from '../../../core/mirror-yaml/parse.ts';
import { readYaml } from '../../../core/mirror-yaml/read-yaml.ts';
import { errorsOf, withUpstream } from './config-text.ts';

const head = 'version: 1\nmirror: { regions: [eu-west-1] }\n';

describe('YAML that is not a configuration', () => {
  it.each([
    ['a syntax error', `${head}upstreams: [\n`, 4, 1],
    ['a tab as indentation', `${head}api:\n\treads: token\n`, 4, 1],
    ['several documents', `${head}---\n${head}`, 3, 1],
    ['an unknown tag', `${head}upstreams: !registries []\n`, 3, 12],
    ['a binary value', `${head}upstreams: !!binary aGVsbG8=\n`, 3, 21],
    ['an alias without an anchor', `${head}upstreams: *all\n`, 3, 12],
    ['an alias within its own anchor', `${head}upstreams: &all [*all]\n`, 3, 18],
    ['a list as a key', `${head}? [a]\n: b\n`, 3, 3],
  ])('refuses %s', (_name, text, line, column) => {
    const [error] = errorsOf(text);
    expect(error).toMatchObject({ message: expect.stringMatching(/^YAML: /), line, column });
  });

  it('refuses a duplicate key and reports both places', () => {
    const text = withUpstream('  - registry: ghcr.io', '    repositories: []', '    registry: quay.io');
    expect(errorsOf(text)).toEqual([
      {
        path: 'upstreams[0].registry',
        message: 'YAML: the key already exists in line 4; keep one of them',
        line: 6,
        column: 5,
      },
    ]);
  });

  it('recognises two ways of writing one key', () => {
    expect(errorsOf(`${head}1: a\n"1": b\n`)).toMatchObject([{ line: 4, column: 1 }]);
  });

  it('reports all syntax errors, and nothing that follows from them', () => {
    const errors = errorsOf('version: 2\nmirror: {regions: [}\nupstreams: !x 1\nnonsense: 1\n');
    expect(errors.length).toBeGreaterThan(1);
    for (const { message } of errors) expect(message).toMatch(/^YAML: /);
  });

  it('says that merge keys are not supported', () => {
    const text = withUpstream(
      '  - &hub { registry: ghcr.io }',
      '  - { <<: *hub, registry: registry.example.com }',
    );
    expect(errorsOf(text)).toMatchObject([
      {
        path: 'upstreams[1]["<<"]',
        message: expect.stringContaining('merge keys (<<) are not supported'),
        line: 5,
      },
    ]);
  });

  it('keeps a key that is the name of a prototype', () => {
    expect(errorsOf(`${head}__proto__: { version: 2 }\n`)).toMatchObject([
      { path: '__proto__', message: expect.stringContaining('unknown key'), line: 3, column: 1 },
    ]);
    expect(errorsOf(`${head}constructor: x\n`)).toMatchObject([{ path: 'constructor', line: 3 }]);
  });

  it.each([
    ['a billion laughs', laughs(9, 10)],
    ['aliases of a long list', laughs(2, 2000)],
  ])('stops at %s', (_name, text) => {
    expect(errorsOf(text)).toMatchObject([{ message: expect.stringContaining('more than 50000 values') }]);
  });

  it.each([
    ['flow', 2000],
    ['flow', 60],
  ])('stops at values that are nested too deeply (%s, %d)', (_name, depth) => {
    const errors = errorsOf(`${head}upstreams: ${'['.repeat(depth)}${']'.repeat(depth)}\n`);
    expect(errors[0]?.message).toMatch(/^YAML: values are nested (more than 50 deep|too deep)/);
  });

  it('refuses a file above 1 MiB, counted in bytes', () => {
    const comment = `# ${'é'.repeat(maxConfigBytes / 2 - 40)}\n`;
    expect(errorsOf(`${comment}version: 2`)).toMatchObject([
      { path: 'mirror' },
      { path: 'version', line: 2 },
    ]);
    expect(errorsOf(`${comment}# ${'é'.repeat(40)}\n`)).toEqual([
      { path: '', message: 'is larger than 1048576 bytes' },
    ]);
  });

  it('points to the anchored text if an alias is wrong', () => {
    const text = withUpstream(
      '  - registry: ghcr.io',
      '    repositories:',
      '      - { match: a/b, tags: &tags { include: ["1.*"], latst: 1 } }',
      '      - { match: a/c, tags: *tags }',
    );
    expect(errorsOf(text)).toMatchObject([
      { path: 'upstreams[0].repositories[0].tags.latst', line: 6, column: 55 },
      { path: 'upstreams[0].repositories[1].tags.latst', line: 6, column: 55 },
    ]);
  });
});

describe('readYaml', () => {
  it('keeps scalars as they were written beside their values', () => {
    const { document } = readYaml('a: 1.10\nb: "1.10"\nc: .inf\nd: ~\n');
    expect(document.value).toEqual({ a: 1.1, b: '1.10', c: 'Infinity', d: null });
    expect(document.source(['a'])).toBe('1.10');
  });

  it('locates what is missing at what should hold it', () => {
    const { document } = readYaml('a:\n  b: 1\n');
    expect(document.locate(['a', 'c', 'd'])).toEqual({ line: 2, column: 3 });
    expect(document.locateKey(['a'])).toEqual({ line: 1, column: 1 });
  });
});

/** Lists that each hold the one before this many times. */
function laughs(levels: number, times: number): string {
  const lines = ['l0: &l0 [ha]'];
  for (let i = 1; i <= levels; i += 1)
    lines.push(
      `l${i}: &l${i} [${Array(times)
        .fill(`*l${i - 1}`)
        .join(', ')}]`,
    );
  return lines.join('\n');
}
