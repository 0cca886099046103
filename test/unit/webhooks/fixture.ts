import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A body from the folder `fixtures`, with some of its values replaced: `{ 'push_data.tag': 'x' }`;
 * undefined deletes.
 */
export function fixture(file: string, changes: Record<string, unknown> = {}): unknown {
  const root = {
    body: JSON.parse(readFileSync(join(import.meta.dirname, 'fixtures', `${file}.json`), 'utf8')),
  };
  for (const [path, value] of Object.entries(changes)) {
    const keys = ['body', ...path.split('.').filter((key) => key !== '')];
    const last = keys.pop() ?? '';
    let holder: Record<string, unknown> = root;
    for (const key of keys) holder = holder[key] as Record<string, unknown>;
    if (value === undefined) delete holder[last];
    else holder[last] = value;
  }
  return root.body;
}
