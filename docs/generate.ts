/**
 * `npm run docs`: generates the pages of the webhook sources and their table in README.md from the
 * sources' guides, the JSON Schemas of mirror.yaml and of the events, and the OpenAPI document of
 * the API, so that they can't differ from the code. A test fails if they are out of date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { notifyEvents } from '../core/config/config.ts';
import { configJsonSchema } from '../core/mirror-yaml/json-schema.ts';
import { eventJsonSchema } from '../core/notify/event-schema.ts';
import { sourcePage, sourceTable } from '../core/webhooks/guide.ts';
import { sources } from '../core/webhooks/sources/index.ts';
import { openApiYaml } from '../lambda/api/openapi/document.ts';

const root = join(import.meta.dirname, '..');

/** All generated files: path from the root, and content. */
export function generatedFiles(): Map<string, string> {
  const files = new Map<string, string>();
  for (const source of sources) files.set(`docs/webhooks/${source.name}.md`, sourcePage(source));
  files.set('docs/mirror.schema.json', schemaText(configJsonSchema()));
  for (const event of notifyEvents)
    files.set(`docs/events/${event}.schema.json`, schemaText(eventJsonSchema(event)));
  files.set('docs/openapi.yaml', openApiYaml());
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const table = sourceTable(sources, 'docs/webhooks/');
  files.set('README.md', readme.replace(/(<!-- sources -->\n)[\s\S]*(<!-- \/sources -->)/, `$1${table}$2`));
  return files;
}

function schemaText(schema: object): string {
  return `${JSON.stringify(schema, null, 2)}\n`;
}

if (process.argv[1] === import.meta.filename) {
  for (const [file, content] of generatedFiles()) writeFileSync(join(root, file), content);
}
