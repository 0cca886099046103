// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are variables of other languages.
import fc from 'fast-check';

const digest = fc.constantFrom('ab', 'cd').map((pair) => `sha256:${pair.repeat(32)}`);
const component = fc.stringMatching(/^[a-z0-9]{1,4}(?:[._]|__|-)?[a-z0-9]{1,3}$/);

/** A reference as people write it, in any of its forms. */
export const reference: fc.Arbitrary<string> = fc
  .record({
    registry: fc.constantFrom('', 'docker.io/', 'ghcr.io/', 'localhost:5000/', '[::1]:5000/', 'A.example/'),
    path: fc.array(component, { minLength: 1, maxLength: 3 }),
    tag: fc.option(fc.stringMatching(/^\w[\w.-]{0,5}$/), { nil: undefined }),
    digest: fc.option(digest, { nil: undefined }),
  })
  .map(
    ({ registry, path, tag, digest: hash }) =>
      registry +
      path.join('/') +
      (tag === undefined ? '' : `:${tag}`) +
      (hash === undefined ? '' : `@${hash}`),
  );

/** What may stand where a reference is expected. */
const nearReference = fc.oneof(
  { weight: 4, arbitrary: reference },
  fc.string({ maxLength: 12 }),
  fc.constantFrom(
    '${A}',
    '{{ .x }}',
    '$(params.a)',
    '"',
    "'",
    '*a',
    '&a x',
    '[a]',
    '{a: b}',
    '|\n  x',
    '>-',
    '\\',
    '',
  ),
);

/** Pieces that mean something to a parser of YAML; any order of them makes a text. */
const yamlPiece = fc.oneof(
  nearReference,
  fc.constantFrom(
    '\n',
    '\r\n',
    '\n  ',
    '\n    ',
    '\n  - ',
    '\n---\n',
    '\n...\n',
    '%YAML 1.2\n',
    '\t',
    ' ',
    ' # c',
    '\uFEFF',
    '日本 🐳',
    'kind: Pod',
    'apiVersion: v1',
    'spec:',
    'containers:',
    '- image: ',
    'image: ',
    'reference: ',
    'volumes:',
    'images:',
    'name: ',
    'newTag: ',
    'newName: ',
    'digest: ',
    'repository: ',
    'registry: ',
    'tag: ',
    'services:',
    'jobs:',
    'container: ',
    'build: .',
    '<<: ',
    '*a',
    '&a ',
    '!!str ',
    '? ',
    ': ',
    '{',
    '}',
    '[',
    ']',
    ',',
    '"',
    "'",
    '|',
    '>',
    '|-\n',
    '>+2\n',
    'x-a: ',
    'items:',
    'kind: List',
    '{{',
    '}}',
    '"\\x69mage": ',
    'imagePullPolicy: Always',
  ),
);

/** Texts that look like YAML, most of which are none. */
export const yamlSoup: fc.Arbitrary<string> = fc
  .array(yamlPiece, { maxLength: 24 })
  .map((pieces) => pieces.join(''));

/** Words, line ends and whole instructions of Dockerfiles, in any order. */
const dockerPiece = fc.oneof(
  nearReference,
  fc.constantFrom(
    '\n',
    '\r\n',
    ' ',
    '\t',
    '\\\n',
    '`\n',
    '\\  \n',
    '\nFROM ',
    '\nfrom ',
    ' AS x',
    ' as X ',
    '\nFROM x',
    '\nFROM scratch',
    '\nARG A=',
    '\nARG A="',
    '\nFROM ${A}',
    '\nFROM $A AS b',
    '\nFROM a:${A}',
    '\nCOPY --from=',
    '\nCOPY --from=x a b',
    '\nCOPY --from=0 a b',
    '\nRUN --mount=type=bind,from=',
    ',target=/x ',
    '\nRUN <<EOF',
    '\nEOF\n',
    '\nRUN cat <<-"E" <<F',
    '\n\tE\n',
    '\nF\n',
    '\nONBUILD COPY --from=',
    '# syntax=',
    '# escape=`\n',
    '\n# c\n',
    '--platform=$B ',
    '"',
    "'",
    '\uFEFF',
    '🐳',
  ),
);

/** Texts that look like Dockerfiles. */
export const dockerSoup: fc.Arbitrary<string> = fc
  .array(dockerPiece, { maxLength: 24 })
  .map((pieces) => pieces.join(''));

/** A way to write a scalar in YAML, in a block or between braces. */
const style: fc.Arbitrary<(text: string) => string> = fc.constantFrom(
  (text: string) => (/^\[/.test(text) ? `"${text}"` : text),
  (text: string) => `"${text}"`,
  (text: string) => `'${text}'`,
  (text: string) => `!!str "${text}"`,
  (text: string) => `&a '${text}'`,
);

/** A Pod with these references, each in its own style, between comments and other texts. */
export const pod: fc.Arbitrary<{ text: string; images: string[] }> = fc
  .record({
    images: fc.array(
      fc.record({ image: reference, style, comment: fc.constantFrom('', ' # c', '\t# ü 🐳') }),
      {
        maxLength: 5,
      },
    ),
    eol: fc.constantFrom('\n', '\r\n'),
    mark: fc.constantFrom('', '\uFEFF'),
    before: fc.constantFrom('', '# image: nginx\n', '---\n', 'a: b\n---\n', 'data: |\n  image: x\n---\n'),
    isFlow: fc.boolean(),
  })
  .map(({ images, eol, mark, before, isFlow }) => {
    const items = images.map(({ image, style: write, comment }) =>
      isFlow
        ? `{name: x, image: ${write(image)}}`
        : `    - image: ${write(image)}${comment}\n      name: 'image: x'\n`,
    );
    const list = isFlow ? ` [${items.join(', ')}]\n` : `\n${items.join('')}`;
    const text = `${mark}${before}kind: Pod\nspec:\n  containers:${list}`;
    return { text: text.replaceAll('\n', eol), images: images.map(({ image }) => image) };
  });

/** A value of a manifest: a key’s text, or what is nested below it. */
type Tree = string | { list: Tree[] } | { map: [string, Tree][] };

const leaf = fc.oneof(
  { weight: 2, arbitrary: reference },
  fc.constantFrom(
    'plain',
    'two words',
    '"a # b"',
    "'it''s'",
    '"a\\"b"',
    '[a, {b: "c"}]',
    '{image: x}',
    '&a anchored',
    '!!str tagged',
    '|\n%  literal: |\n%   # no comment\n',
    '>-\n%  folded\n\n%  - image: x\n',
    'begins\n%  and goes on',
    'begins\n%  - and goes on',
    '"begins\n%  spec:\n%   a"',
    '',
    '~',
    '12:30',
    'a:b',
    '# only a comment',
    'x # comment',
    'x\t# comment',
    '-1',
  ),
);
const keys = fc.constantFrom(
  'containers',
  'image',
  'volumes',
  'reference',
  'spec',
  'env',
  'a',
  '"b c"',
  'metadata',
  '<<',
);
const { tree } = fc.letrec<{ tree: Tree; map: { map: [string, Tree][] } }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.array(tie('tree'), { minLength: 1, maxLength: 4 }).map((list) => ({ list })),
    tie('map'),
  ),
  map: fc.array(fc.tuple(keys, tie('tree')), { minLength: 1, maxLength: 5 }).map((map) => ({ map })),
}));

/** A container between other things. */
const podTree: fc.Arbitrary<Tree> = fc
  .record({ before: fc.array(fc.tuple(keys, tree), { maxLength: 3 }), image: reference, after: tree })
  .map(({ before, image, after }) => ({
    map: [
      ...before,
      [
        'containers',
        {
          list: [
            {
              map: [
                ['image', image],
                ['more', after],
              ],
            },
            {
              map: [
                ['x', after],
                ['image', `"${image}"`],
              ],
            },
          ],
        },
      ],
      ['after', after],
    ],
  }));

/** Objects in block style, of any shape, written in all the ways that a leaf can be. */
export const blockYaml: fc.Arbitrary<string> = fc
  .record({
    top: fc.tuple(fc.tuple(keys, tree), fc.tuple(keys, podTree), fc.tuple(keys, tree)),
    isIndented: fc.boolean(),
    comment: fc.constantFrom('', '# image\n', '\n', '    # deep\n'),
    eol: fc.constantFrom('\n', '\r\n'),
  })
  .map(({ top, isIndented, comment, eol }) => {
    const write = (node: Tree, indent: string): string => {
      if (typeof node === 'string') return ` ${node.replaceAll('%', indent)}`.trimEnd().concat('\n');
      if ('list' in node) {
        const at = isIndented ? `${indent}  ` : indent;
        return `\n${node.list.map((item) => `${at}-${within(item, `${at}  `)}`).join('')}`;
      }
      return `\n${node.map.map(([name, value]) => entry(name, value, `${indent}  `)).join(comment)}`;
    };
    const entry = (name: string, value: Tree, indent: string) => `${indent}${name}:${write(value, indent)}`;
    const within = (item: Tree, indent: string) =>
      typeof item === 'object' && 'map' in item
        ? ` ${item.map
            .map(([name, value]) => entry(name, value, indent))
            .join('')
            .trimStart()}`
        : write(item, indent);
    const text = `kind: Thing\n${top.map(([name, value]) => entry(name, value, '')).join(comment)}`;
    return text.replaceAll('\n', eol);
  });
