import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { parseConfig } from '../../../core/mirror-yaml/parse.ts';
import { arbitraryFile } from './arbitrary-file.ts';
import { asWritten, configOf } from './config-text.ts';

/** Either a configuration or errors that all lie within the text. */
function expectAnswer(text: string): void {
  const parsed = parseConfig(text);
  if (parsed.ok) return;
  expect(parsed.errors.length).toBeGreaterThan(0);
  const lines = text.split('\n');
  for (const { message, line = 1, column = 1 } of parsed.errors) {
    expect(message).not.toBe('');
    expect(line).toBeGreaterThan(0);
    expect(line).toBeLessThanOrEqual(lines.length);
    expect(column).toBeGreaterThan(0);
    expect(column).toBeLessThanOrEqual((lines[line - 1]?.length ?? 0) + 1);
  }
}

/** Whole files are large, and generating them takes most of the time. */
const fileRuns = { numRuns: 25 };

describe('parseConfig', () => {
  it('answers any JSON value that is written as YAML', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => expectAnswer(stringify(value))));
    fc.assert(fc.property(fc.jsonValue(), (value) => expectAnswer(JSON.stringify(value))));
  });

  it('answers any text', () => {
    fc.assert(fc.property(fc.string(), expectAnswer));
    const punctuation = fc.constantFrom(
      '- ',
      ': ',
      '\n',
      '  ',
      '[',
      ']',
      '{',
      '}',
      '"',
      '&a ',
      '*a',
      '? ',
      'version',
      '1',
    );
    fc.assert(
      fc.property(
        fc.array(punctuation).map((parts) => parts.join('')),
        expectAnswer,
      ),
    );
  });

  it('answers a valid file in which something is replaced', () => {
    fc.assert(
      fc.property(arbitraryFile, fc.nat(), fc.jsonValue(), (file, at, value) => {
        expectAnswer(stringify(replaceAt(file, at, value)));
      }),
      fileRuns,
    );
  });

  it('accepts every valid file, and its normal form means the same', () => {
    fc.assert(
      fc.property(arbitraryFile, (file) => {
        const config = configOf(stringify(file));
        expect(configOf(stringify(asWritten(config)))).toEqual(config);
        // It is plain JSON: nothing is lost on the way through the functions' bundle, and no key is
        // undefined.
        expect(JSON.parse(JSON.stringify(config))).toStrictEqual(config);
      }),
      fileRuns,
    );
  });
});

/** A copy in which one of the values, counted depth first, is replaced. */
function replaceAt(file: unknown, at: number, value: unknown): unknown {
  const places: { holder: Record<string, unknown>; key: string }[] = [];
  const root = { file: structuredClone(file) };
  const visit = (holder: Record<string, unknown>) => {
    for (const key of Object.keys(holder)) {
      places.push({ holder, key });
      const inner = holder[key];
      if (typeof inner === 'object' && inner !== null) visit(inner as Record<string, unknown>);
    }
  };
  visit(root);
  const place = places[at % places.length];
  if (place !== undefined) place.holder[place.key] = value;
  return root.file;
}
