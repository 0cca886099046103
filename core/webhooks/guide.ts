import * as z from 'zod';
import { describeAuthentication, fillGuide, type GuideValues, headerOf } from './present-webhook.ts';
import type { WebhookSource } from './source.ts';

/** The page of a source, in Markdown: how to set it up, what it accepts, and its options. */
export function sourcePage(source: WebhookSource): string {
  const { guide } = source;
  const authentication = source.authentication(exampleOptions(source));
  const url = `https://<api>/webhooks/<name>${authentication.kind === 'path-token' ? '/<secret>' : ''}`;
  const values: GuideValues = {
    url,
    secret: '<secret>',
    header: headerOf(authentication) ?? '',
    name: '<name>',
    registry: '<registry>',
  };
  const fill = (text: string) => fillGuide(text, values);
  const step = (text: string) => fill(text).replaceAll(/\n(?=[^\n])/g, '\n   ');
  const rows = Object.entries(guide.ignored).map(([code, when]) => [`\`${code}\``, when]);
  return [
    '<!-- Written by `npm run docs`; edit the source’s guide instead. -->',
    `# Webhooks of ${source.title}`,
    `Source \`${source.name}\`. Entered at: ${fill(guide.where)}. Authenticated by ${describeAuthentication(authentication)}.`,
    `\`drayage webhooks list <name>\` prints these steps with the webhook’s own URL${authentication.kind === 'oidc' ? '' : ' and secret'}.`,
    '## In mirror.yaml',
    fence('yaml', exampleConfig(source)),
    ...optionsSection(source),
    '## At the sender',
    guide.steps.map((text, index) => `${index + 1}. ${step(text)}`).join('\n'),
    '## What happens to a delivery',
    `**Accepted**: ${fill(guide.accepted)}. **Reference**: ${fill(guide.reference)}.`,
    guide.deleted === undefined
      ? '**Deleted**: the sender does not report deletions. With `deleted: unmap`, the next comparison of the repository (`reconcile`) finds tags that are gone.'
      : `**Deleted**, for rules with \`deleted: unmap\`: ${fill(guide.deleted)}. A job asks the registry whether the tag is gone, and if so, removes its mapping. Pinned tags stay mapped.`,
    'Other deliveries are answered 202 and ignored, with one of these reasons:',
    table(
      ['reason', 'when'],
      [
        ...rows,
        ['`malformed`', 'a required field is missing or has the wrong type; the reason names its path'],
        ['`not_configured`', 'no rule of mirror.yaml names the image'],
        ...(guide.deleted === undefined
          ? []
          : [['`kept`', 'an image was deleted, and its rule says `deleted: keep`, the default']]),
      ],
    ),
    ...(guide.notes.length > 0
      ? ['## Good to know', guide.notes.map((note) => `- ${fill(note)}`).join('\n')]
      : []),
    `The sender’s own documentation: <${guide.documentation}>`,
    '',
  ]
    .join('\n\n')
    .replace(/\n\n$/, '\n');
}

/** A table of all sources, each with a link to its page. */
export function sourceTable(sources: readonly WebhookSource[], pages: string): string {
  return `${table(
    ['source', 'sender', 'entered at', 'authenticated by'],
    sources.map((source) => [
      `[\`${source.name}\`](${pages}${source.name}.md)`,
      source.title,
      source.guide.where.replace(/\{(\w+)\}/g, '<$1>'),
      describeAuthentication(source.authentication(exampleOptions(source))),
    ]),
  )}\n`;
}

function exampleConfig(source: WebhookSource): string {
  const options = requiredOptions(source);
  const written = options.map(([name, schema]) => `${name}: ${helpOf(schema).example}`).join(', ');
  return [
    'upstreams:',
    `  - registry: ${source.home ?? source.guide.example ?? 'registry.example.com'}`,
    `    webhook: { source: ${source.name}${written === '' ? '' : `, options: { ${written} }`} }`,
    '    repositories: [{ match: "acme/**" }]',
  ].join('\n');
}

function optionsSection(source: WebhookSource): string[] {
  const options = Object.entries(shapeOf(source));
  if (options.length === 0) return [];
  const rows = options.map(([name, schema]) => {
    const unset = schema.safeParse(undefined);
    const byDefault = !unset.success
      ? 'required'
      : unset.data === undefined
        ? ''
        : `\`${String(unset.data)}\``;
    const { what, example } = helpOf(schema);
    return [`\`${name}\``, what, `\`${example}\``, byDefault];
  });
  return ['Under `webhook.options`:', table(['option', 'what', 'example', 'default'], rows)];
}

/**
 * Valid options of a source: its defaults, or the examples of its required options.
 */
function exampleOptions(source: WebhookSource): unknown {
  const plain = source.optionsSchema.safeParse({});
  if (plain.success) return plain.data;
  const required = requiredOptions(source);
  return source.optionsSchema.parse(
    Object.fromEntries(required.map(([name, schema]) => [name, helpOf(schema).example])),
  );
}

/** The options that are required: they have no default. */
function requiredOptions(source: WebhookSource): [string, z.ZodType][] {
  return Object.entries(shapeOf(source)).filter(([, schema]) => !schema.safeParse(undefined).success);
}

function shapeOf({ optionsSchema }: WebhookSource): Record<string, z.ZodType> {
  if (optionsSchema instanceof z.ZodObject) return optionsSchema.shape as Record<string, z.ZodType>;
  throw new Error('the options of a source are an object schema');
}

/** An option's description and example, from its schema or from the one that it wraps. */
function helpOf(schema: z.ZodType): { what: string; example: string } {
  const { what, example } = (schema.meta() ?? {}) as { what?: string; example?: string };
  if (what !== undefined && example !== undefined) return { what, example };
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault)
    return helpOf(schema.unwrap() as z.ZodType);
  throw new Error('an option without help: give its schema {what, example}');
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function fence(language: string, text: string): string {
  return `\`\`\`${language}\n${text}\n\`\`\``;
}
