import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { imageTable } from '../../../core/exports/image-table.ts';
import {
  type AdmissionPolicyOptions,
  admissionPolicy,
} from '../../../core/exports/manifests/admission-policy/index.ts';
import { celString } from '../../../core/exports/manifests/cel.ts';
import type { Mapping } from '../../../core/mapping/record.ts';
import { digestOf, fillerMappings, podMappings, podMirrorPrefix } from '../../support/pods/mappings.ts';

interface Printed {
  kind: string;
  metadata: { name: string; labels?: Record<string, string> };
  spec: {
    [field: string]: unknown;
    variables: { name: string; expression: string }[];
    matchConstraints: Record<'namespaceSelector' | 'objectSelector', { matchExpressions: unknown[] }>;
  };
  rules: { verbs: string[]; resourceNames: string[] }[];
}

const synced: AdmissionPolicyOptions = {
  scope: { excludedNamespaces: [], namespaces: [], optIn: false },
  source: {
    kind: 'synced',
    mirror: podMirrorPrefix,
    sync: { api: 'https://api.example', schedule: '*/5 * * * *', image: 'docker.io/curlimages/curl:8.16.0' },
  },
  fallback: new Map(),
  keep: false,
};

async function literal(mappings: readonly Mapping[]): Promise<AdmissionPolicyOptions> {
  async function* each() {
    yield* mappings;
  }
  return { ...synced, source: { kind: 'literals', table: await imageTable(each()) } };
}

function printed(options: AdmissionPolicyOptions): Printed[] {
  return parseAllDocuments(admissionPolicy(options)).map((each) => {
    expect(each.errors).toEqual([]);
    return each.toJS() as Printed;
  });
}

const one = (objects: Printed[], kind: string, name?: string): Printed => {
  const found = objects.filter((each) => each.kind === kind && (!name || each.metadata.name === name));
  expect(found).toHaveLength(1);
  return found[0] as Printed;
};
const variable = ({ spec }: Printed, name: string) =>
  spec.variables.find((each) => each.name === name)?.expression ?? '';
/** What a text in an expression says. */
const said = (literalText: string) =>
  JSON.parse(`"${literalText.slice(1, -1).replaceAll("\\'", "'").replaceAll('"', '\\"')}"`) as string;

describe('the admission policy', () => {
  it('comes with all that keeps its objects up to date', () => {
    expect(printed(synced).map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
      'CustomResourceDefinition imagemirrors.drayage.dev',
      'MutatingAdmissionPolicy drayage',
      'MutatingAdmissionPolicyBinding drayage',
      'Namespace drayage',
      'ServiceAccount drayage-sync',
      'ClusterRole drayage-sync',
      'ClusterRoleBinding drayage-sync',
      'CronJob drayage-sync',
    ]);
  });

  it('fails open, sees what is injected later, and asks for its objects once', () => {
    const { spec } = one(printed(synced), 'MutatingAdmissionPolicy');
    expect(spec).toMatchObject({
      failurePolicy: 'Ignore',
      reinvocationPolicy: 'IfNeeded',
      paramKind: { apiVersion: 'drayage.dev/v1', kind: 'ImageMirror' },
    });
    expect(spec).not.toHaveProperty('matchConditions');
    expect(one(printed(synced), 'MutatingAdmissionPolicyBinding').spec).toEqual({
      policyName: 'drayage',
      paramRef: { selector: {}, parameterNotFoundAction: 'Allow' },
    });
  });

  it('uses only variables that stand before', async () => {
    for (const options of [
      { ...synced, fallback: new Map([['docker.io', 'a.example/b']]) },
      { ...(await literal(podMappings())), fallback: new Map([['docker.io', 'a.example/b']]) },
    ]) {
      const policy = one(printed(options), 'MutatingAdmissionPolicy');
      const known = new Set<string>();
      for (const { name, expression } of policy.spec.variables) {
        for (const [, used = ''] of expression.matchAll(/variables\.([a-z0-9]+)/g))
          expect(known).toContain(used);
        known.add(name);
      }
      for (const [, used = ''] of JSON.stringify(policy.spec.mutations).matchAll(/variables\.([a-z0-9]+)/g))
        expect(known).toContain(used);
    }
  });

  it('can send pods nowhere but to the mirror', () => {
    const policy = one(printed(synced), 'MutatingAdmissionPolicy');
    expect(variable(policy, 'mirror')).toBe(`'${podMirrorPrefix}/'`);
    expect(variable(policy, 'values')).toContain('v.startsWith(variables.mirror)');
  });

  it('is limited to namespaces', () => {
    const key = 'kubernetes.io/metadata.name';
    const scope = { excludedNamespaces: ['a'], namespaces: ['b', 'c'], optIn: true };
    const { matchConstraints } = one(printed({ ...synced, scope }), 'MutatingAdmissionPolicy').spec;
    expect(matchConstraints.namespaceSelector.matchExpressions).toEqual([
      { key, operator: 'NotIn', values: ['kube-system', 'a'] },
      { key, operator: 'In', values: ['b', 'c'] },
      { key: 'drayage.dev/rewrite', operator: 'In', values: ['enabled'] },
    ]);
    expect(matchConstraints.objectSelector.matchExpressions).toEqual([
      { key: 'drayage.dev/rewrite', operator: 'NotIn', values: ['disabled'] },
    ]);
  });

  it('keeps bare pods if it is asked to', () => {
    const objects = printed({ ...synced, keep: true });
    expect(one(objects, 'MutatingAdmissionPolicy', 'drayage-keep').spec.matchConstraints).toMatchObject({
      resourceRules: [{ operations: ['UPDATE'], resources: ['pods'] }],
    });
    expect(one(objects, 'MutatingAdmissionPolicyBinding', 'drayage-keep').spec).toEqual({
      policyName: 'drayage-keep',
    });
  });

  it('lets the CronJob write its objects, and nothing else', () => {
    const objects = printed(synced);
    const { rules } = one(objects, 'ClusterRole');
    expect(rules).toHaveLength(2);
    for (const rule of rules)
      expect(rule).toMatchObject({ apiGroups: ['drayage.dev'], resources: ['imagemirrors'] });
    expect(rules.map(({ verbs }) => verbs)).toEqual([['patch', 'create'], ['delete']]);
    expect(rules.map(({ resourceNames }) => resourceNames.length)).toEqual([16, 15]);
    expect(rules[1]?.resourceNames).not.toContain('main');
  });

  it('does not decide about the CronJob’s own pods', () => {
    const cronJob = one(printed(synced), 'CronJob');
    expect(cronJob.spec).toMatchObject({
      schedule: '*/5 * * * *',
      jobTemplate: { spec: { template: { metadata: { labels: { 'drayage.dev/rewrite': 'disabled' } } } } },
    });
  });

  it('asks for the mapping of a region', () => {
    const { source } = synced as { source: Extract<AdmissionPolicyOptions['source'], { kind: 'synced' }> };
    const regional = { ...synced, source: { ...source, sync: { ...source.sync, region: 'eu-central-1' } } };
    expect(JSON.stringify(one(printed(regional), 'CronJob'))).toContain(
      'https://api.example/v1/exports/imagemirror?region=eu-central-1',
    );
  });

  it('quotes what stands in its expressions', () => {
    for (const text of ["it's", '\\', "\\'", 'a\nb\u0000\u2028', 'ü🐳', "' + variables.x + '"]) {
      expect(celString(text)).toMatch(/^'(?:[^'\\\n\r]|\\['\\]|\\u[0-9a-f]{4})*'$/);
      expect(said(celString(text))).toBe(text);
    }
    const hostile = "a.example/x'}, {'y: #\n";
    const options = { ...synced, fallback: new Map([['docker.io', hostile]]) };
    expect(variable(one(printed(options), 'MutatingAdmissionPolicy'), 'hosts')).toContain(celString(hostile));
  });
});

describe('the policy with the mapping in it', () => {
  it('needs no other objects', async () => {
    const objects = printed(await literal(podMappings()));
    expect(objects.map(({ kind }) => kind)).toEqual([
      'MutatingAdmissionPolicy',
      'MutatingAdmissionPolicyBinding',
    ]);
    expect(objects[0]?.spec).not.toHaveProperty('paramKind');
    expect(objects[1]?.spec).toEqual({ policyName: 'drayage' });
  });

  it('has every image once, in expressions that the apiserver accepts', async () => {
    const large = Array.from({ length: 3_000 }, (_, index): Mapping => {
      const digest = digestOf(`${index}`);
      const pinned = `${podMirrorPrefix}/large@${digest}`;
      return { ...(podMappings()[0] as Mapping), image: `ghcr.io/large:${index}`, digest, pinned };
    });
    const mappings = [...large, ...fillerMappings(6_000)];
    const policy = one(printed(await literal(mappings)), 'MutatingAdmissionPolicy');
    const tables = policy.spec.variables.filter(({ name }) => name.startsWith('table'));
    expect(tables.length).toBeGreaterThan(8);
    for (const { expression } of tables) expect(expression.length).toBeLessThan(95_000);
    const entries = tables.flatMap(
      ({ expression }) => expression.match(/[^,'\s]+=sha256:[0-9a-f]{64},/g) ?? [],
    );
    expect(entries).toHaveLength(mappings.length);
    // The parts of a long value make a valid one, in their order.
    const parts = tables.flatMap(
      ({ expression }) => /'ghcr\.io\/large': '([^']*)'/.exec(expression)?.[1] ?? [],
    );
    expect(parts.length).toBeGreaterThan(2);
    expect(parts.join('')).toMatch(/^[^,@=]+,([^,@=]+=sha256:[a-f0-9]{64},){3000}$/);
  });
});
