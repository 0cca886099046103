import { readFileSync } from 'node:fs';

/** What the stack tells its functions through the environment. */
export interface Environment {
  /** The table's name. */
  table: string;
  /** The mirror queue's URL. */
  queueUrl: string;
  /** The layer queue's URL; those have it that send layers or carry them. */
  layerQueueUrl: string;
  /** From which size on, bytes, several missing blobs of an image travel as layer jobs. */
  fanOutBytes: string;
  /** The secret whose `root` all webhook secrets derive from. */
  webhookSecret: string;
  /** The secret whose `root` the API's tokens derive from; empty: the API needs no token. */
  apiSecret: string;
  /** The normalised configuration as JSON; not set where it lies beside the bundle, as in Lambda. */
  config: string;
}

const variables: Record<keyof Environment, string> = {
  table: 'DRAYAGE_TABLE',
  queueUrl: 'DRAYAGE_QUEUE_URL',
  layerQueueUrl: 'DRAYAGE_LAYER_QUEUE_URL',
  fanOutBytes: 'DRAYAGE_FAN_OUT_BYTES',
  webhookSecret: 'DRAYAGE_WEBHOOK_SECRET',
  apiSecret: 'DRAYAGE_API_SECRET',
  config: 'DRAYAGE_CONFIG_JSON',
};

/**
 * Reads one variable.
 *
 * @throws Error naming the variable when it is not set.
 */
export function environment(name: keyof Environment): string {
  const value = process.env[variables[name]];
  if (value !== undefined) return value;
  // Beside the bundle, where the construct puts it: an environment has room for 4 kB only.
  if (name === 'config') return readFileSync(new URL('./mirror.json', import.meta.url), 'utf8');
  throw new Error(`the environment variable ${variables[name]} is not set: the stack sets it at deployment`);
}
