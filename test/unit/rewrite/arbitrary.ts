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
