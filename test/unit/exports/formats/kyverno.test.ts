import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { kyverno } from '../../../../core/exports/formats/kyverno.ts';
import { kyvernoData } from '../../../../core/exports/formats/kyverno-data.ts';
import type { Mapping } from '../../../../core/mapping/record.ts';
import { inOrder, mapped, mirrorHost, textOf } from '../../../support/mapped.ts';

interface Policy {
  apiVersion: string;
  kind: string;
  spec: { failurePolicy: string; variables: { name: string; expression: string }[] };
}

async function objects(...mappings: Mapping[]): Promise<[object, Policy]> {
  const documents = parseAllDocuments(await textOf(kyverno.render(inOrder(mappings))));
  return documents.map((document) => (document as { toJS(): unknown }).toJS()) as [object, Policy];
}

describe('the export for Kyverno', () => {
  const nginx = mapped('nginx:1.27');

  it('is what polls the table with the reader’s token, and the policy', async () => {
    const [entry, policy] = await objects(nginx);
    expect(entry).toEqual({
      apiVersion: 'kyverno.io/v2',
      kind: 'GlobalContextEntry',
      metadata: { name: 'drayage' },
      spec: {
        apiCall: {
          method: 'GET',
          refreshInterval: '1m',
          service: {
            url: `${kyverno.addressPlaceholder}/v1/exports/kyverno-data`,
            headers: [{ key: 'Authorization', value: 'Bearer READER_TOKEN' }],
          },
        },
      },
    });
    expect(policy).toMatchObject({ apiVersion: 'policies.kyverno.io/v1', kind: 'MutatingPolicy' });
    expect(policy.spec.failurePolicy).toBe('Ignore');
    expect(policy.spec).not.toHaveProperty('paramKind');
  });

  it('accepts images of the mirrors only that it names, and each variable uses those before it', async () => {
    const [, { spec }] = await objects(nginx, mapped('quay.io/a/b:1', { host: 'mirror.example:5000' }));
    const { variables } = spec;
    const expressionOf = (name: string) => variables.find((each) => each.name === name)?.expression;
    expect(expressionOf('mirrors')).toBe(`['${mirrorHost}/', 'mirror.example:5000/']`);
    expect(expressionOf('values')).toContain('variables.mirrors.exists(m, v.startsWith(m))');
    const known = new Set<string>();
    for (const { name, expression } of variables) {
      for (const [, used = ''] of expression.matchAll(/\bvariables\.(\w+)/g)) expect(known).toContain(used);
      known.add(name);
    }
    expect(known).toContain('pinned');
  });

  it('rewrites nothing without mappings', async () => {
    const [, { spec }] = await objects();
    expect(spec.variables.find(({ name }) => name === 'mirrors')?.expression).toBe('[]');
  });

  it('has a table with the digests of each repository', async () => {
    const old = mapped(`nginx@sha256:${'a'.repeat(64)}`);
    const table = JSON.parse(
      await textOf(kyvernoData.render(inOrder([nginx, old, mapped('ghcr.io/acme/shop:1')]))),
    );
    expect(Object.keys(table.repositories)).toEqual(['docker.io/library/nginx', 'ghcr.io/acme/shop']);
    expect(table.repositories['docker.io/library/nginx']).toBe(
      `${mirrorHost}/mirror/docker.io/library/nginx,1.27=${nginx.digest},${old.digest}=${old.digest},`,
    );
    expect(JSON.parse(await textOf(kyvernoData.render(inOrder([]))))).toEqual({
      version: 1,
      repositories: {},
    });
  });
});
