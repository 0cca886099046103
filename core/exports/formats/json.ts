import type { ExportFormat } from '../export.ts';

/**
 * The mappings as the API shows them: `{"version":1,"mappings":[…]}`. Each has a line of its own
 * with `image` first, so that the document can be read and filtered line by line. It is also how
 * the snapshot is stored, and what `--mapping FILE` of the command line reads.
 */
export const json: ExportFormat = {
  name: 'json',
  contentType: 'application/json',
  async *render(mappings) {
    yield '{"version":1,"mappings":[';
    let separator = '\n';
    for await (const mapping of mappings) {
      yield `${separator}${JSON.stringify(mapping)}`;
      separator = ',\n';
    }
    yield '\n]}\n';
  },
};
