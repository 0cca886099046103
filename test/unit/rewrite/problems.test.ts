import { describe, expect, it } from 'vitest';
import { inOrder, rewrite } from '../../../core/rewrite/edits.ts';
import { findImages } from '../../../core/rewrite/find-images.ts';
import { LineFinder } from '../../../core/rewrite/position.ts';
import { InvalidPathError, parsePath } from '../../../core/rewrite/yaml/path.ts';

/** Line, column and message of each part that can't be read. */
function problems(text: string, kind: 'kubernetes' | 'helm-values' = 'kubernetes') {
  const lines = new LineFinder(text);
  return findImages(text, kind).unreadable.map(({ start, message }) => {
    const { line, column } = lines.position(start);
    return `${line}:${column} ${message}`;
  });
}

const template = 'this is a template and not YAML yet: render it first, for example with helm template';

describe('what is not YAML', () => {
  it.each([
    ['a template as a value', 'kind: Pod\nspec:\n  image: {{ .Values.image }}\n', `3:10 ${template}`],
    ['two templates', 'image: {{ .Values.image }}:{{ .Values.tag }}\n', `1:8 ${template}`],
    ['a template around lines', '{{- if .x }}\nimage: a\n{{- end }}\n', `1:1 ${template}`],
    ['a template as a line', 'image: a\nlabels:\n  {{- toYaml . | nindent 4 }}\n', `3:3 ${template}`],
    [
      'a list that does not end',
      'image: [a\n',
      '2:1 this is not YAML: Flow sequence in block collection must',
    ],
    ['bad indentation', 'image: a\n b: c\n', '1:8 this is not YAML: Nested mappings are not allowed'],
  ])('%s', (_what, text, expected) => {
    const [found] = problems(text);
    expect(found?.slice(0, expected.length)).toBe(expected);
  });

  it('is counted from the whole text, with other documents read', () => {
    const text =
      '\uFEFFkind: Pod\r\nspec: {containers: [{image: "a:1"}]}\r\n---\r\nimage: {{ .x }}\r\n---\r\nkind: Pod\r\nspec: {containers: [{image: b}]}\r\n';
    expect(problems(text)).toEqual([`4:8 ${template}`]);
    expect(findImages(text, 'kubernetes').images.map(({ image }) => image)).toEqual(['a:1', 'b']);
  });

  it('does not matter in a document that mentions no image', () => {
    expect(problems('data: {{ .x }}\n---\nkind: Pod\nspec: {containers: [{image: a}]}\n')).toEqual([]);
  });

  it('is nothing that stands in a text', () => {
    expect(problems('image: "{{ .x }}"\nb: |\n  {{ .y }}\nc: a {{ z }}\n# {{ d }}\n')).toEqual([]);
  });
});

describe('rewrite', () => {
  it('keeps the order of insertions, and everything else', () => {
    const edits = [
      { start: 3, end: 4, text: 'D' },
      { start: 1, end: 1, text: 'x' },
      { start: 1, end: 1, text: 'y' },
    ];
    expect(rewrite('abcdé', edits)).toBe('axybcDé');
    expect(inOrder(edits).map(({ text }) => text)).toEqual(['x', 'y', 'D']);
    expect(rewrite('abc', [])).toBe('abc');
  });

  it.each([
    [
      [
        { start: 0, end: 2 },
        { start: 1, end: 3 },
      ],
    ],
    [[{ start: 2, end: 1 }]],
    [[{ start: 0, end: 9 }]],
  ])('refuses %j', (ranges) => {
    expect(() =>
      rewrite(
        'abc',
        ranges.map((range) => ({ ...range, text: '' })),
      ),
    ).toThrow(RangeError);
  });
});

describe('paths', () => {
  it.each([
    ['spec.image', ['spec', 'image']],
    ['spec.containers[].image', ['spec', 'containers', '[]', 'image']],
    ['spec.containers[*].image', ['spec', 'containers', '[]', 'image']],
    ['spec.*."a.b".x', ['spec', '*', 'a.b', 'x']],
    ['[].a', ['[]', 'a']],
  ])('%s', (text, steps) => {
    expect(parsePath(text)).toEqual(steps);
  });

  it.each(['', '.', 'a.', 'a..b', 'a[0]', 'a b[', '"a'])('refuses %j', (text) => {
    expect(() => parsePath(text)).toThrow(InvalidPathError);
  });

  it('lead to additional images', () => {
    const text =
      'apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nspec: {image: a, version: b, more: {x: {image: c}}}\n';
    const imagePaths = [
      { kind: 'Prometheus', path: parsePath('spec.image') },
      { kind: 'Prometheus.monitoring.coreos.com', path: parsePath('spec.version') },
      { kind: 'Prometheus.other.example', path: parsePath('spec.version') },
      { kind: 'Prometheus', path: parsePath('spec.more.*.image') },
    ];
    const images = findImages(text, 'kubernetes', { imagePaths }).images.map(({ image }) => image);
    expect(images).toEqual(['a', 'b', 'c']);
    const unnamed = 'kind: Thing\nspec: a\n';
    const paths = [{ kind: 'Thing', path: parsePath('spec') }];
    expect(findImages(unnamed, 'kubernetes', { imagePaths: paths }).images).toHaveLength(1);
    expect(findImages(unnamed, 'kubernetes').images).toHaveLength(0);
  });
});

describe('the pull policy', () => {
  const policies = (text: string) =>
    findImages(`kind: Pod\nspec: {containers: [${text}]}\n`, 'kubernetes').images.map(
      ({ pullPolicy }) => pullPolicy?.text,
    );

  it('is relaxed where Kubernetes has filled it in', () => {
    expect(policies('{image: nginx, imagePullPolicy: Always}')).toEqual(['IfNotPresent']);
    expect(policies('{imagePullPolicy: "Always", image: "nginx:latest"}')).toEqual(['IfNotPresent']);
  });

  it.each([
    '{image: nginx:1.27, imagePullPolicy: Always}',
    `{image: "nginx@sha256:${'a'.repeat(64)}", imagePullPolicy: Always}`,
    '{image: nginx, imagePullPolicy: Never}',
    '{image: nginx}',
  ])('stays in %s', (text) => {
    expect(policies(text)).toEqual([undefined]);
  });
});
