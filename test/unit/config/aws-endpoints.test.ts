import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { awsEndpointNames } from '../../../core/config/aws-endpoint-names.ts';
import { awsEndpoints, neededEndpoints } from '../../../core/config/aws-endpoints.ts';
import { parseConfig } from '../../../core/mirror-yaml/parse.ts';

const root = join(import.meta.dirname, '../../..');
const functions = readdirSync(join(root, 'lambda')).filter((name) =>
  existsSync(join(root, 'lambda', name, 'handler.ts')),
);

/** The AWS clients that a file and everything that it imports really load; types do not count. */
function clientsOf(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return new Set();
  seen.add(file);
  const clients = new Set<string>();
  const text = readFileSync(file, 'utf8');
  for (const [, clause = '', from = ''] of text.matchAll(
    /(?:^|\n)(?:import|export)\s([^;]*?)from\s'([^']+)';/g,
  )) {
    if (clause.startsWith('type ')) continue;
    if (/^@aws-sdk\/(client|s3-)/.test(from)) {
      const names = clause
        .replace(/[{}]/g, '')
        .split(',')
        .map((name) => name.trim());
      if (names.some((name) => name !== '' && !name.startsWith('type '))) clients.add(from);
    }
    if (from.startsWith('.'))
      for (const client of clientsOf(resolve(dirname(file), from), seen)) clients.add(client);
  }
  for (const [, from = ''] of text.matchAll(/import\('(\.[^']+)'\)/g))
    for (const client of clientsOf(resolve(dirname(file), from), seen)) clients.add(client);
  return clients;
}

const used = new Map(functions.map((name) => [name, clientsOf(join(root, 'lambda', name, 'handler.ts'))]));
/** Signs URLs for the browser; nothing is sent. */
const callsNothing = '@aws-sdk/s3-request-presigner';

describe('the endpoints of AWS', () => {
  it('cover every client that a function loads', () => {
    const known = awsEndpoints.map(({ client }) => client);
    for (const [name, clients] of used)
      expect(
        [...clients].filter((client) => client !== callsNothing && !known.includes(client)),
        name,
      ).toEqual([]);
  });

  it('have no client that no function loads', () => {
    const all = new Set([...used.values()].flatMap((clients) => [...clients]));
    expect(awsEndpoints.map(({ client }) => client).filter((client) => !all.has(client))).toEqual([]);
  });

  it('were found in all functions that call AWS', () => {
    expect([...(used.get('mirror') ?? [])]).toEqual(
      expect.arrayContaining(['@aws-sdk/client-ecr', '@aws-sdk/client-kms', '@aws-sdk/client-sts']),
    );
    expect([...(used.get('webhook') ?? [])]).not.toContain('@aws-sdk/client-ecr');
  });

  it('are named once, and all of them can be listed in mirror.yaml', () => {
    expect(awsEndpoints.map(({ service }) => service)).toEqual([...awsEndpointNames]);
  });

  it('are the same in the docs', () => {
    const docs = readFileSync(join(root, 'docs/private-networking.md'), 'utf8');
    const rows = [...docs.matchAll(/^\| `com\.amazonaws\.REGION\.([a-z0-9.]+)` \| (\w+) \|/gm)];
    expect(rows.map(([, service, kind]) => `${service} ${kind}`)).toEqual(
      awsEndpoints.map(({ service, kind }) => `${service} ${kind}`),
    );
  });
});

describe('the endpoints that a configuration needs', () => {
  const needed = (upstream: string) => {
    const parsed = parseConfig(
      `version: 1\nmirror: { regions: [eu-west-1] }\nupstreams: [{ ${upstream} }]\n`,
    );
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
    return neededEndpoints(parsed.config).map(({ service }) => service);
  };
  const always = ['ecr.api', 'ecr.dkr', 'sqs', 'secretsmanager', 'events', 's3', 'dynamodb'];

  it.each([
    ['nothing more', 'registry: ghcr.io, repositories: [{ match: "**" }]', []],
    [
      'STS for roles',
      'registry: 111122223333.dkr.ecr.us-east-1.amazonaws.com, credentials: { type: ecr, roleArn: "arn:aws:iam::111122223333:role/pull" }',
      ['sts'],
    ],
    [
      'KMS for signing keys',
      'registry: ghcr.io, repositories: [{ match: "**", verify: { cosign: { key: "awskms:///alias/signing" } } }]',
      ['kms'],
    ],
  ])('include %s', (_, upstream, more) => {
    expect(needed(upstream).sort()).toEqual([...always, ...more].sort());
  });
});
