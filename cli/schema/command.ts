import { Command } from 'commander';

const help = `
Editors that support YAML schemas use it to complete and check mirror.yaml. Put this in the file's first line:

  # yaml-language-server: $schema=./mirror.schema.json

Examples:
  drayage schema > mirror.schema.json

drayage validate checks more: patterns, versions, and rules that span several fields.
`;

/** `drayage schema`: the JSON Schema of mirror.yaml. */
export function schemaCommand(): Command {
  return new Command('schema')
    .description('Print the JSON Schema of mirror.yaml, for editors.')
    .addHelpText('after', help)
    .action(async () => {
      const { configJsonSchema } = await import('../../core/mirror-yaml/json-schema.ts');
      process.stdout.write(`${JSON.stringify(configJsonSchema(), null, 2)}\n`);
    });
}
