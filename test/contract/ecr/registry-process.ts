import { startRegistry } from '../../../local/ecr/server.ts';

/**
 * A plain registry on the folder that the first argument names. A test runs it as a separate
 * process.
 */
const registry = await startRegistry({ flavour: 'distribution', data: process.argv[2] ?? '' });
process.send?.(registry.endpoint);
