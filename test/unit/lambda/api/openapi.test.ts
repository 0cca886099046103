import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type * as z from 'zod';
import { routes } from '../../../../lambda/api/handler.ts';
import { openApiDocument, openApiYaml } from '../../../../lambda/api/openapi/document.ts';
import { operations } from '../../../../lambda/api/openapi/operations.ts';

interface DescribedOperation {
  parameters?: { name: string; example?: unknown; schema: { default?: unknown } }[];
  responses: Record<string, object>;
}

const document = openApiDocument() as {
  paths: Record<string, Record<string, DescribedOperation>>;
  components: { schemas: Record<string, { examples?: unknown[] }> };
};
const { schemas } = document.components;

describe('docs/openapi.yaml', () => {
  it('describes each route of the API, with who may use it, and no other', () => {
    const served = routes.map(
      ({ method, path, access }) =>
        `${method} ${path.source
          .replaceAll('\\/', '/')
          .replace(/^\^|\$$/g, '')
          .replaceAll('([^/]+)', '{}')} ${access}`,
    );
    const described = operations.map(
      ({ method, path, access }) => `${method.toUpperCase()} ${path.replaceAll(/\{\w+\}/g, '{}')} ${access}`,
    );
    expect(described.sort()).toEqual(served.sort());
  });

  it('names each operation differently', () => {
    const ids = operations.map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('has a parameter for each name in a path', () => {
    for (const { path, parameters = {} } of operations)
      expect(Object.keys(parameters)).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
  });

  it('gives examples that the API accepts', () => {
    for (const { operationId, path, method, body, query, parameters = {} } of operations) {
      if (body) expect(body.schema.safeParse(body.example), operationId).toMatchObject({ success: true });
      const described = document.paths[path]?.[method]?.parameters ?? [];
      const schemasOf = { ...query?.shape, ...parameters } as Record<string, z.ZodType>;
      for (const { name, example, schema } of described) {
        // As text, the way it comes.
        const result = schemasOf[name]?.safeParse(String(example ?? schema.default));
        expect(result, `${operationId} ${name}`).toMatchObject({ success: true });
      }
    }
  });

  it('gives examples of answers that fit their schemas, and schemas that can be compiled', () => {
    const judge = new Ajv2020({ strict: false, formats: { 'date-time': true } });
    judge.addSchema(document, 'document');
    for (const [name, { examples = [] }] of Object.entries(schemas)) {
      const check = judge.getSchema(`document#/components/schemas/${name}`);
      for (const example of examples)
        expect(check?.(example), `${name} ${JSON.stringify(check?.errors)}`).toBe(true);
    }
    expect(schemas.Mapping?.examples).toHaveLength(1);
  });

  it('uses each component, and defines each that it uses', () => {
    const used = new Set(
      [...JSON.stringify(document).matchAll(/#\/components\/schemas\/(\w+)/g)].map(([, name]) => name),
    );
    expect([...used].sort()).toEqual(Object.keys(schemas).sort());
  });

  it('documents 401 and 403 for each route that needs a token, and 500 for all', () => {
    for (const { path, method, access } of operations) {
      const statuses = Object.keys(document.paths[path]?.[method]?.responses ?? {});
      expect(statuses).toContain('500');
      for (const status of ['401', '403']) expect(statuses.includes(status)).toBe(access !== 'open');
    }
  });

  it('is the same for parsers of YAML 1.1', () => {
    expect(parse(openApiYaml(), { version: '1.1' })).toEqual(JSON.parse(JSON.stringify(document)));
  });
});
