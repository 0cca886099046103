import { startRegistry } from '../../../local/ecr/server.ts';

/**
 * Run by a test as a process of its own: a plain registry on the folder that the first argument
 * names.
 */
const registry = await startRegistry({ flavour: 'distribution', data: process.argv[2] ?? '' });
process.send?.(registry.endpoint);
