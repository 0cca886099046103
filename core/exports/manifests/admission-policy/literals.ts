import { type RepositoryImages, tableValue } from '../../image-table.ts';
import { celMap, celString } from '../cel.ts';
import type { Variable } from './variables.ts';

/**
 * The apiserver parses expressions of up to 100,000 characters.
 * https://github.com/google/cel-go/blob/master/parser/options.go
 */
const maxExpressionLength = 90_000;

/** A line of a table: a repository, or part of one that has very many images. */
type Line = readonly [repository: string, value: string];

/**
 * The variable `values` from tables that are in the policy itself: `table1`, `table2` …, each short
 * enough for an expression. A repository that is too long for one goes on in the next.
 */
export function literalValues(table: readonly RepositoryImages[]): Variable[] {
  const tables = tablesOf(table.flatMap(linesOf));
  const names = tables.map((_, index) => `variables.table${index + 1}`);
  const all = `[${names.join(', ')}].filter(t, n[0] in t).map(t, t[n[0]])`;
  return [
    ...tables.map((lines, index) => ({ name: `table${index + 1}`, expression: celMap(lines) })),
    {
      name: 'values',
      expression: `variables.refs.transformMap(r, n, ${all}.join(''))
.transformMap(r, v, v != '', v)`,
    },
  ];
}

/** The lines of a repository: the first begins with the mirror's repository. */
function linesOf(images: RepositoryImages): Line[] {
  const { repository, mirror, entries } = images;
  const value = tableValue(images);
  if (lengthOf([repository, value]) <= maxExpressionLength) return [[repository, value]];
  const lines: Line[] = [];
  let part = `${mirror},`;
  let length = lengthOf([repository, part]);
  for (const entry of entries) {
    const more = celString(`${entry},`).length - celString('').length;
    if (length + more > maxExpressionLength) {
      lines.push([repository, part]);
      part = '';
      length = lengthOf([repository, part]);
    }
    part += `${entry},`;
    length += more;
  }
  return [...lines, [repository, part]];
}

/** No table has the same repository twice, since a part of one fills it. */
function tablesOf(lines: readonly Line[]): Line[][] {
  const tables: Line[][] = [[]];
  let length = 0;
  for (const line of lines) {
    const last = tables.at(-1) ?? [];
    const isTwice = last.some(([repository]) => repository === line[0]);
    if (last.length > 0 && (isTwice || length + lengthOf(line) > maxExpressionLength)) {
      tables.push([line]);
      length = lengthOf(line);
    } else {
      last.push(line);
      length += lengthOf(line);
    }
  }
  return tables;
}

/** Its length in an expression, with what separates it from the next. */
function lengthOf([repository, value]: Line): number {
  return celString(repository).length + celString(value).length + 6;
}
