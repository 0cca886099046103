import { stringify } from 'yaml';
import * as z from 'zod';
import type { Access } from '../authorize.ts';
import { error } from '../schemas/error.ts';
import type { Operation } from './operation.ts';
import { operations } from './operations.ts';

type Json = Record<string, unknown>;

const description = `Where the images of upstream registries are in the mirror, and the jobs that bring them there.

Reads need the reader's token, writes the operator's, who may also read. \`api.reads\` in mirror.yaml can open reads to everybody (\`none\`), or to callers that sign with AWS credentials (\`iam\`). A \`drayage local\` without \`--auth\` asks programs on its own machine for no token.

Errors are \`{"error":{"code","message"}}\`. API Gateway itself answers 413 to a body that is too large and 429 to too many requests, with \`{"message"}\`. Answers above 1 kB are compressed if \`Accept-Encoding\` allows \`br\` or \`gzip\`. Each GET is there as HEAD, too. Deliveries of webhooks (\`POST /webhooks/{name}\`) are described in docs/webhooks.`;

/** What each kind of access adds to the errors of a route. */
const accessErrors: Record<Access, Record<number, Record<string, string>>> = {
  open: {},
  read: {
    401: { unauthorized: 'The token is missing or not valid.' },
    403: { forbidden: 'A local API without tokens answers only programs on its own machine.' },
  },
  write: {
    401: { unauthorized: 'The token is missing or not valid.' },
    403: { forbidden: 'The reader’s token only reads.' },
  },
};
const internal = { 500: { internal: 'Something failed on our side; the log of the function has it.' } };

const security: Record<Access, Json[]> = {
  open: [],
  read: [{ reader: [] }, { operator: [] }],
  write: [{ operator: [] }],
};

/** The OpenAPI 3.1 document of the API: https://spec.openapis.org/oas/v3.1.1.html */
export function openApiDocument(): Json {
  const { schemas, schemaOf } = converted();
  const paths: Record<string, Json> = {};
  for (const operation of operations) {
    const path = paths[operation.path] ?? {};
    path[operation.method] = presentOperation(operation, schemaOf);
    paths[operation.path] = path;
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Drayage',
      version: '1',
      description,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [
      {
        url: '{api}',
        description: 'The stack’s output ApiUrl, or what `drayage local` prints as `api`',
        variables: { api: { default: 'http://127.0.0.1:8080' } },
      },
    ],
    tags: ['Mappings', 'Admission', 'Jobs', 'Webhooks', 'Service'].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        reader: { type: 'http', scheme: 'bearer', description: 'The reader’s token: reads' },
        operator: { type: 'http', scheme: 'bearer', description: 'The operator’s token: reads and writes' },
      },
      schemas,
    },
  };
}

/** The document as YAML that parsers of YAML 1.1 read alike, for docs/openapi.yaml. */
export function openApiYaml(): string {
  return stringify(openApiDocument(), { lineWidth: 120, aliasDuplicateObjects: false, compat: 'yaml-1.1' });
}

type SchemaOf = (schema: z.ZodType) => Json;

/**
 * All schemas in one conversion, so that what several of them use becomes a component, once. Those
 * of answers allow further fields, which later versions may add.
 */
function converted(): { schemas: Json; schemaOf: SchemaOf } {
  const all = new Set<z.ZodType>([error]);
  for (const { parameters = {}, query, body, answer } of operations) {
    for (const schema of Object.values(parameters)) all.add(schema);
    for (const schema of Object.values(query?.shape ?? {})) all.add(schema as z.ZodType);
    if (body) all.add(body.schema);
    if (answer.schema) all.add(answer.schema);
  }
  const ordered = [...all];
  const { $defs = {}, properties = {} } = z.toJSONSchema(
    z.object(Object.fromEntries(ordered.map((schema, index) => [`s${index}`, schema]))),
    { io: 'input', override: ({ zodSchema, jsonSchema }) => adjust(zodSchema, jsonSchema as Json) },
  );
  const refer = (value: unknown) =>
    JSON.parse(JSON.stringify(value).replaceAll('"#/$defs/', '"#/components/schemas/')) as Json;
  return {
    schemas: refer(Object.fromEntries(Object.entries($defs).sort(([a], [b]) => (a < b ? -1 : 1)))),
    schemaOf: (schema) => refer(properties[`s${ordered.indexOf(schema)}`] ?? {}),
  };
}

/**
 * Leaves out the limits of JavaScript's integers and the patterns that repeat a format, and puts in
 * the defaults and examples of fields that are converted, which zod drops.
 */
function adjust({ _zod: { def } }: z.core.$ZodTypes, schema: Json): void {
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  if (schema.format === 'date-time') delete schema.pattern;
  if (def.type === 'default') schema.default = def.defaultValue;
  if ('example' in schema) schema.examples = [schema.example];
  delete schema.example;
  delete schema.id;
}

function presentOperation(operation: Operation, schemaOf: SchemaOf): Json {
  const { operationId, tag, summary, access, body } = operation;
  const parameters = presentParameters(operation, schemaOf);
  return {
    operationId,
    tags: [tag],
    summary,
    ...(operation.description !== undefined && { description: operation.description }),
    security: security[access],
    ...(parameters.length > 0 && { parameters }),
    ...(body && {
      requestBody: {
        required: body.isOptional !== true,
        content: { 'application/json': { schema: schemaOf(body.schema), example: body.example } },
      },
    }),
    responses: presentAnswers(operation, schemaOf),
  };
}

function presentParameters({ parameters = {}, query }: Operation, schemaOf: SchemaOf): Json[] {
  const parameter = (place: 'path' | 'query', name: string, required: boolean, zod: z.ZodType): Json => {
    const {
      description: text,
      examples,
      ...schema
    } = schemaOf(zod) as { description?: string; examples?: unknown[] };
    return {
      name,
      in: place,
      required,
      ...(text !== undefined && { description: text }),
      schema,
      ...(examples?.[0] !== undefined && { example: examples[0] }),
    };
  };
  return [
    ...Object.entries(parameters).map(([name, schema]) => parameter('path', name, true, schema)),
    ...Object.entries(query?.shape ?? {}).map(([name, schema]) =>
      parameter('query', name, !(schema as z.ZodType).safeParse(undefined).success, schema as z.ZodType),
    ),
  ];
}

function presentAnswers(operation: Operation, schemaOf: SchemaOf): Json {
  const { answer, access, errors = {}, isConditional = false } = operation;
  const etag = { ETag: { schema: { type: 'string' }, description: 'Weak; it covers all but the times.' } };
  const answers: Record<number, Json> = {
    [answer.status]: {
      description: answer.description,
      ...(isConditional && { headers: etag }),
      content: {
        ...(answer.schema && { 'application/json': { schema: schemaOf(answer.schema) } }),
        ...Object.fromEntries((answer.texts ?? []).map((type) => [type, { schema: { type: 'string' } }])),
      },
    },
  };
  if (answer.redirect !== undefined) answers[302] = { description: answer.redirect };
  if (isConditional)
    answers[304] = {
      description: 'The caller has it already: `If-None-Match` names its ETag.',
      headers: etag,
    };
  for (const documented of [errors, accessErrors[access], internal])
    for (const [status, codes] of Object.entries(documented))
      answers[Number(status)] = { ...codes, ...answers[Number(status)] };
  const isError = (status: string) => Number(status) >= 400;
  return Object.fromEntries(
    Object.entries(answers).map(([status, found]) => [
      status,
      isError(status) ? presentErrors(found as Record<string, string>, schemaOf) : found,
    ]),
  );
}

function presentErrors(codes: Record<string, string>, schemaOf: SchemaOf): Json {
  const names = Object.keys(codes).sort();
  const code = { properties: { error: { properties: { code: { enum: names } } } } };
  return {
    description: names.map((name) => `\`${name}\`: ${codes[name]}`).join(' '),
    content: { 'application/json': { schema: { allOf: [schemaOf(error), code] } } },
  };
}
