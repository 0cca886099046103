import * as z from 'zod';
import { fileSchema } from './schema.ts';

/** Where editors find the schema of the newest version; a copy is at docs/mirror.schema.json. */
const title = 'mirror.yaml of Drayage';

/**
 * The JSON Schema of mirror.yaml (https://json-schema.org/draft/2020-12), made from the schema that
 * checks it: types, keys, choices and patterns. Rules that only code can check (globs, semver
 * ranges, rules across fields) are left to `drayage validate`. The schema accepts everything that
 * this command accepts.
 */
export function configJsonSchema(): object {
  const schema = z.toJSONSchema(fileSchema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      const {
        what,
        example,
        missing: _missing,
        wrap: _wrap,
        ...rest
      } = jsonSchema as Record<string, unknown>;
      for (const key of Object.keys(jsonSchema)) delete (jsonSchema as Record<string, unknown>)[key];
      Object.assign(jsonSchema, rest);
      if (typeof what === 'string') jsonSchema.description = describe(what, example);
    },
  });
  return { ...schema, title };
}

function describe(what: string, example: unknown): string {
  const text = what.charAt(0).toUpperCase() + what.slice(1);
  return typeof example === 'string' && example !== '' ? `${text}. Example: ${example}` : text;
}
