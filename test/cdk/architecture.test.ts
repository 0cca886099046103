import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CfnResource, type Stack } from 'aws-cdk-lib';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../lib/function-bundle.ts';
import { mirrorStack, smallConfig } from './mirror-template.ts';

interface Row {
  pattern: string;
  types: string[];
  purpose: string;
}

/** The rows of the table in docs/architecture.md. */
const rows: Row[] = section('What the stack creates')
  .split('\n')
  .flatMap((line) => {
    const [, pattern, types, purpose] = /^\| `([^`]+)` \| ([^|]+) \| (.+) \|$/.exec(line) ?? [];
    if (pattern === undefined || types === undefined || purpose === undefined) return [];
    return [{ pattern, types: types.split(', '), purpose }];
  });

function section(heading: string): string {
  const text = readFileSync(join(packageRoot, 'docs/architecture.md'), 'utf8');
  const [, found] = text.split(`\n## ${heading}\n`);
  if (found === undefined) throw new Error(`docs/architecture.md has no section ${heading}`);
  return found.split('\n## ')[0] ?? '';
}

/** What every option of mirror.yaml that adds resources adds. */
const everything = `${smallConfig
  .replace('match: acme/**', 'match: acme/**, retention: { keepNewest: 5 }')
  .replace(
    'upstreams:',
    `encryption: { kmsKey: "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab" }
network:
  vpc: vpc-0123456789abcdef0
  subnets: [subnet-0123456789abcdef0, subnet-0123456789abcdef1]
  routeTables: [rtb-0123456789abcdef0]
  endpoints: create
alarms: { topic: "arn:aws:sns:eu-west-1:111122223333:alarms" }
api: { domain: { name: mirror.example.com, certificate: "arn:aws:acm:eu-west-1:111122223333:certificate/1" } }
notify: [{ url: "https://hooks.example.com/x", secret: hook, events: [failed] }]
upstreams:
  - registry: 444455556666.dkr.ecr.eu-west-1.amazonaws.com
    webhook: { source: ecr }
    repositories: [{ match: base/** }]`,
  )}`;

/** Each resource: its place below the mirror, and its type. */
function resourcesOf(stack: Stack): [path: string, type: string][] {
  return stack.node
    .findAll()
    .filter((construct) => CfnResource.isCfnResource(construct))
    .map(({ node, cfnResourceType }) => [
      node.path.replace(/^[^/]+\/Mirror\//, '').replace(/\/(Resource|Default)$/, ''),
      cfnResourceType.replace(/^AWS::/, ''),
    ]);
}

/** Whether a row is about a resource: `*` is any characters, and what is below belongs to it. */
function covers({ pattern, types }: Row, [path, type]: [path: string, type: string]): boolean {
  const source = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
  return types.includes(type) && new RegExp(`^${source}(/.*)?$`).test(path);
}

describe('docs/architecture.md', () => {
  const resources = resourcesOf(mirrorStack(everything));

  it('says of every resource what it is for', () => {
    expect(resources.length).toBeGreaterThan(100);
    expect(resources.filter((resource) => !rows.some((row) => covers(row, resource)))).toEqual([]);
  });

  it('names no resource that the stack does not create', () => {
    for (const row of rows)
      for (const type of row.types)
        expect(
          resources.some((resource) => covers({ ...row, types: [type] }, resource)),
          `${row.pattern}: ${type}`,
        ).toBe(true);
  });
});
