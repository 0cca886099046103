import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { openApiDocument } from '../../lambda/api/openapi/document.ts';
import { findProgram } from '../support/find-program.ts';

const program = {
  title: 'Schemathesis',
  name: 'schemathesis',
  variable: 'DRAYAGE_SCHEMATHESIS',
  remedy: `install it and say where it is:
    python3 -m venv .venv && .venv/bin/pip install schemathesis==4.32.5
    DRAYAGE_SCHEMATHESIS=.venv/bin/schemathesis npm run test:consumers`,
};

/** What Schemathesis checks of each answer: https://schemathesis.readthedocs.io/en/stable/reference/checks/ */
const checks = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'negative_data_rejection',
];

/** On a busy machine, a run takes longer than its usual half a minute. */
const maxMs = 170_000;

/** How Schemathesis ended: 0 if every answer was as documented. */
export interface SchemathesisRun {
  code: number | null;
  output: string;
}

export interface SchemathesisOptions {
  api: string;
  /** Sent as a Bearer token; absent: none. */
  token?: string;
  /** Whether the API asks for tokens at all, so that requests without one must be refused. */
  isSecured: boolean;
  /** Random requests for each operation, at most, beside the examples and the edge cases. */
  examples: number;
}

/**
 * Runs Schemathesis against an API: requests that fit docs/openapi.yaml, and requests that do not.
 * The same seed makes the same requests.
 *
 * @throws Error with the remedy if the program is missing
 */
export async function runSchemathesis(options: SchemathesisOptions): Promise<SchemathesisRun> {
  const file = findProgram(program);
  const folder = mkdtempSync(join(tmpdir(), 'drayage-schemathesis-'));
  try {
    const document = join(folder, 'openapi.json');
    writeFileSync(document, JSON.stringify(strictDocument(options.isSecured)));
    const child = spawn(
      file,
      [
        ...['run', document, '--url', options.api, '--checks', checks.join(',')],
        ...['--phases', 'examples,coverage,fuzzing', '--max-examples', String(options.examples)],
        // One worker: in two threads, Python 3.11's parser can fail (python/cpython#106905).
        ...['--seed', '20261123', '--workers', '1', '--request-timeout', '20'],
        ...['--generation-database', 'none', '--no-color', '--warnings', 'off'],
        ...(options.token === undefined ? [] : ['--header', `Authorization: Bearer ${options.token}`]),
      ],
      { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], timeout: maxMs },
    );
    const [output, errors, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close') as Promise<[number | null]>,
    ]);
    return { code, output: output + errors };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * The document, with answers that have a field which it does not describe made invalid. Clients get
 * no such promise: later versions may add fields.
 */
function strictDocument(isSecured: boolean): object {
  const document = openApiDocument() as { components: { schemas: unknown }; paths: unknown };
  const schemas = withoutFurtherFields(document.components.schemas);
  if (isSecured) return { ...document, components: { ...document.components, schemas } };
  const paths = JSON.parse(JSON.stringify(document.paths), (key, value) =>
    key === 'security' ? undefined : value,
  );
  return { ...document, components: { schemas }, paths };
}

function withoutFurtherFields(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutFurtherFields);
  if (typeof schema !== 'object' || schema === null) return schema;
  const copied = Object.entries(schema).map(([key, value]) => [key, withoutFurtherFields(value)]);
  const closed = 'properties' in schema && !('additionalProperties' in schema);
  return { ...Object.fromEntries(copied), ...(closed && { additionalProperties: false }) };
}
