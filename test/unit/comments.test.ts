import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

/** Comments are read beside code: nobody reads a longer line to its end. */
const widest = 100;

describe('comments', () => {
  const files = execFileSync('git', ['ls-files', '*.ts', '*.js'], { cwd: root, encoding: 'utf8' })
    .split('\n')
    .filter((file) => file !== '');

  it(`are wrapped at ${widest} columns, except for addresses and what is set in columns`, () => {
    expect(files.length).toBeGreaterThan(500);
    const long = files.flatMap((file) =>
      readFileSync(join(root, file), 'utf8')
        .split('\n')
        .flatMap((line, index) =>
          line.length > widest &&
          /^\s*(\/\/|\/\*|\*)/.test(line) &&
          !/https?:\/\/|biome-ignore|^\s*\* {5,}/.test(line)
            ? [`${file}:${index + 1}`]
            : [],
        ),
    );
    expect(long).toEqual([]);
  });
});
