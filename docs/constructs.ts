/**
 * The tables of docs/constructs.md: what `lib/` declares, with its docstrings, so that the page
 * can't differ from the types.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const root = join(import.meta.dirname, '..');

/** The interfaces and classes of `lib/`, by name. */
const interfaces = new Map<string, ts.InterfaceDeclaration>();
const classes = new Map<string, ts.ClassDeclaration>();
for (const file of readdirSync(join(root, 'lib')).sort())
  parse(`lib/${file}`).forEachChild((node) => {
    if (ts.isInterfaceDeclaration(node)) interfaces.set(node.name.text, node);
    if (ts.isClassDeclaration(node) && node.name) classes.set(node.name.text, node);
  });

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
  if (name === 'nested') return nestedTables();
  const rows = propsOf(name).map((prop) => {
    const fallback = prop.default ?? (prop.isOptional ? undefined : 'required');
    if (fallback === undefined && name === 'ImageMirrorProps')
      throw new Error(`${name}.${prop.name} is optional and has no @default`);
    const type = prop.type.replaceAll('|', '\\|');
    return `| \`${prop.name}\` | \`${type}\` | ${cell(prop.text)} | ${cell(fallback ?? 'none')} |\n`;
  });
  return `| name | type | what it does | default |\n| --- | --- | --- | --- |\n${rows.join('')}`;
}

/** A table for each prop whose value is an object that `lib/` describes. */
function nestedTables(): string {
  return propsOf('ImageMirrorProps')
    .filter(({ type }) => interfaces.has(type))
    .map(({ name, type }) => `\n### \`${name}\`\n\n${table(type)}`)
    .join('')
    .concat('\n');
}

/** What an `ImageMirror` has for use by the stack. */
function attributeTable(): string {
  const source = parse('lib/image-mirror.ts');
  const rows: string[] = [];
  source.forEachChild((node) => {
    if (!ts.isClassDeclaration(node) || node.name?.text !== 'ImageMirror') return;
    for (const member of node.members) {
      if (!ts.isPropertyDeclaration(member) || !ts.isIdentifier(member.name)) continue;
      const text = docOf(classes.get(member.type?.getText(source) ?? '') ?? member).text;
      rows.push(`| \`${member.name.text}\` | ${cell(firstSentence(text))} |\n`);
    }
  });
  return `| attribute | what it is |\n| --- | --- |\n${rows.join('')}`;
}

/** All properties of an interface, its own first. */
function propsOf(name: string): Prop[] {
  const found = interfaces.get(name);
  if (found === undefined) throw new Error(`docs/constructs.md: lib/ has no interface ${name}`);
  const inherited = (found.heritageClauses ?? [])
    .flatMap(({ types }) => types.map(({ expression }) => expression.getText()))
    .flatMap(propsOf);
  const own = found.members.map((member): Prop => {
    if (!ts.isPropertySignature(member)) throw new Error(`${name} has a member that is no property`);
    return {
      name: member.name.getText(),
      type: member.type?.getText() ?? 'unknown',
      isOptional: member.questionToken !== undefined,
      ...docOf(member),
    };
  });
  return [...own, ...inherited];
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

function firstSentence(text: string): string {
  return /^.*?[.](?=\s|$)/s.exec(text)?.[0] ?? text;
}

/** A cell of a table: one line, and addresses as links. */
function cell(text: string): string {
  return text
    .replace(/\s*\n\s*/g, ' ')
    .replace(/(?<![(<])https:\/\/[^\s)]+/g, (url) => `<${url}>`)
    .replaceAll(/(?<!\\)\|/g, '\\|');
}
