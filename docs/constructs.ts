/**
 * The tables of docs/constructs.md: what `lib/` declares, with its docstrings, so that the page
 * can't differ from the types.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const root = join(import.meta.dirname, '..');

/** The interfaces that the page lists, and where they are. */
const interfaces = {
  ImageMirrorProps: 'lib/image-mirror-props.ts',
  ExistingSecrets: 'lib/deployment-secrets.ts',
  ApiThrottle: 'lib/mirror-api.ts',
};

interface Prop {
  name: string;
  type: string;
  isOptional: boolean;
  text: string;
  default?: string;
}

/** The page, with its tables filled in. */
export function constructsPage(page: string): string {
  return page.replace(
    /(<!-- (\w+) -->\n)[\s\S]*?(<!-- \/\2 -->)/g,
    (_all, start: string, name: string, end: string) => `${start}${table(name)}${end}`,
  );
}

function table(name: string): string {
  if (name === 'attributes') return attributeTable();
  const file = (interfaces as Record<string, string>)[name];
  if (file === undefined) throw new Error(`docs/constructs.md: there is no table ${name}`);
  const rows = propsOf(file, name).map((prop) => {
    const fallback = prop.default ?? (prop.isOptional ? undefined : 'required');
    if (fallback === undefined && name === 'ImageMirrorProps')
      throw new Error(`${file}: ${name}.${prop.name} is optional and has no @default`);
    return `| \`${prop.name}\` | \`${prop.type}\` | ${cell(prop.text)} | ${cell(fallback ?? 'none')} |\n`;
  });
  return `| name | type | what it does | default |\n| --- | --- | --- | --- |\n${rows.join('')}`;
}

/** What an `ImageMirror` has for use by the stack. */
function attributeTable(): string {
  const source = parse('lib/image-mirror.ts');
  const rows: string[] = [];
  source.forEachChild((node) => {
    if (!ts.isClassDeclaration(node) || node.name?.text !== 'ImageMirror') return;
    for (const member of node.members) {
      if (!ts.isPropertyDeclaration(member) || !ts.isIdentifier(member.name)) continue;
      const type = member.type?.getText(source).replace(/\s+/g, ' ') ?? '';
      rows.push(
        `| \`${member.name.text}\` | ${/^\w+$/.test(type) ? `\`${type}\`` : cell(docOf(member).text)} |\n`,
      );
    }
  });
  return `| attribute | what it is |\n| --- | --- |\n${rows.join('')}`;
}

function propsOf(file: string, name: string): Prop[] {
  const source = parse(file);
  const props: Prop[] = [];
  source.forEachChild((node) => {
    if (!ts.isInterfaceDeclaration(node) || node.name.text !== name) return;
    for (const member of node.members) {
      if (!ts.isPropertySignature(member))
        throw new Error(`${file}: ${name} has a member that is no property`);
      const doc = docOf(member);
      props.push({
        name: member.name.getText(source),
        type: member.type?.getText(source).replaceAll('|', '\\|') ?? 'unknown',
        isOptional: member.questionToken !== undefined,
        ...doc,
      });
    }
  });
  if (props.length === 0) throw new Error(`${file}: it has no interface ${name}`);
  return props;
}

function docOf(node: ts.Node): { text: string; default?: string } {
  const [doc] = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc);
  const text = ts.getTextOfJSDocComment(doc?.comment) ?? '';
  if (text === '') throw new Error(`${node.getText()} has no docstring`);
  const tag = ts.getJSDocTags(node).find(({ tagName }) => tagName.text === 'default');
  const fallback = tag && ts.getTextOfJSDocComment(tag.comment);
  return { text, ...(fallback && { default: fallback.replace(/^- /, '') }) };
}

function parse(file: string): ts.SourceFile {
  return ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.Latest, true);
}

/** A cell of a table: one line, and addresses as links. */
function cell(text: string): string {
  return text
    .replace(/\s*\n\s*/g, ' ')
    .replace(/(?<![(<])https:\/\/[^\s)]+/g, (url) => `<${url}>`)
    .replaceAll(/(?<!\\)\|/g, '\\|');
}
