/**
 * `npm run docs`: generates the pages of the webhook sources and their table in README.md from the
 * sources' guides, the tables of the construct's props, the JSON Schemas of mirror.yaml and of the
 * events, the OpenAPI document of the API, and the policy of the Helm chart, so that they can't
 * differ from the code. A test fails if they are out of date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { notifyEvents } from '../core/config/config.ts';
import { admissionPolicyManifests } from '../core/exports/manifests/admission-policy/index.ts';
import { configJsonSchema } from '../core/mirror-yaml/json-schema.ts';
import { eventJsonSchema } from '../core/notify/event-schema.ts';
import { sourcePage, sourceTable } from '../core/webhooks/guide.ts';
import { sources } from '../core/webhooks/sources/index.ts';
import { openApiYaml } from '../lambda/api/openapi/document.ts';
import { constructsPage } from './constructs.ts';

const root = join(import.meta.dirname, '..');

/** All generated files: path from the root, and content. */
export function generatedFiles(): Map<string, string> {
  const files = new Map<string, string>();
  for (const source of sources) files.set(`docs/webhooks/${source.name}.md`, sourcePage(source));
  files.set('docs/mirror.schema.json', schemaText(configJsonSchema()));
  for (const event of notifyEvents)
    files.set(`docs/events/${event}.schema.json`, schemaText(eventJsonSchema(event)));
  files.set('docs/openapi.yaml', openApiYaml());
  files.set('charts/drayage/files/policy.yaml', chartPolicy());
  const constructs = 'docs/constructs.md';
  files.set(constructs, constructsPage(readFileSync(join(root, constructs), 'utf8')));
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const table = sourceTable(sources, 'docs/webhooks/');
  files.set('README.md', readme.replace(/(<!-- sources -->\n)[\s\S]*(<!-- \/sources -->)/, `$1${table}$2`));
  return files;
}

/**
 * What `drayage export admission-policy` prints, for the Helm chart: its templates replace what
 * stands between at signs, and what else its values say.
 */
function chartPolicy(): string {
  const manifests = (fallback: ReadonlyMap<string, string>) =>
    admissionPolicyManifests({
      scope: { excludedNamespaces: [], namespaces: [], optIn: false },
      source: {
        kind: 'synced',
        mirror: '@mirror@',
        sync: { api: '@api@', region: undefined, schedule: '@schedule@', image: '@image@' },
      },
      fallback,
      keep: true,
    }).map(({ object }) => object as { kind: string; metadata: { name: string } });
  const objects = manifests(new Map());
  const one = (all: typeof objects, kind: string, name = 'drayage-sync') =>
    all.find((object) => object.kind === kind && object.metadata.name === name);
  const policy = 'MutatingAdmissionPolicy';
  const named = {
    definition: one(objects, 'CustomResourceDefinition', 'imagemirrors.drayage.dev'),
    rewrite: one(objects, policy, 'drayage'),
    rewriteWithFallback: one(manifests(new Map([['@registry@', '@place@']])), policy, 'drayage'),
    binding: one(objects, `${policy}Binding`, 'drayage'),
    keep: one(objects, policy, 'drayage-keep'),
    keepBinding: one(objects, `${policy}Binding`, 'drayage-keep'),
    serviceAccount: one(objects, 'ServiceAccount'),
    clusterRole: one(objects, 'ClusterRole'),
    clusterRoleBinding: one(objects, 'ClusterRoleBinding'),
    cronJob: one(objects, 'CronJob'),
  };
  const text = stringify(named, { lineWidth: 0, aliasDuplicateObjects: false });
  return `# npm run docs writes this file.\n${text}`;
}

function schemaText(schema: object): string {
  return `${JSON.stringify(schema, null, 2)}\n`;
}

if (process.argv[1] === import.meta.filename) {
  for (const [file, content] of generatedFiles()) writeFileSync(join(root, file), content);
}
