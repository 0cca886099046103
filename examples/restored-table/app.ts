import { join } from 'node:path';
import { type App, CfnOutput, Stack } from 'aws-cdk-lib';
import { Table } from 'aws-cdk-lib/aws-dynamodb';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { ImageMirror, loadConfig } from 'drayage';

/** What an earlier deployment left, by the names of the context values that say where it is. */
const wanted = {
  table: 'the name of the restored table',
  webhookSecret: 'the ARN of the secret that webhooks derive from, with its six last characters',
  apiSecret: 'the ARN of the secret that tokens derive from, with its six last characters',
};

/**
 * A mirror that continues where an earlier one stopped: with its mappings and jobs, its webhook
 * secrets and its tokens.
 */
export function restoredMirror(app: App): Stack {
  const { table, webhookSecret, apiSecret } = settings(app);
  const config = loadConfig(join(import.meta.dirname, 'mirror.yaml'));
  const [region] = config.mirror.regions;
  const account = process.env.CDK_DEFAULT_ACCOUNT;
  const stack = new Stack(app, 'RestoredMirror', {
    env: { ...(region && { region }), ...(account && { account }) },
  });
  const mirror = new ImageMirror(stack, 'Mirror', {
    config,
    // For a table with a key of your own: Table.fromTableAttributes, with `encryptionKey`.
    table: Table.fromTableName(stack, 'Table', table),
    secrets: {
      webhooks: Secret.fromSecretCompleteArn(stack, 'WebhookSecret', webhookSecret),
      api: Secret.fromSecretCompleteArn(stack, 'ApiSecret', apiSecret),
    },
  });
  new CfnOutput(stack, 'ApiUrl', { value: mirror.api.url });
  return stack;
}

function settings(app: App): Record<keyof typeof wanted, string> {
  const problems: string[] = [];
  const read = (name: keyof typeof wanted): string => {
    const value: unknown = app.node.tryGetContext(name);
    if (typeof value === 'string' && value !== '') return value;
    problems.push(`--context ${name}=…: ${wanted[name]}`);
    return '';
  };
  const values = {
    table: read('table'),
    webhookSecret: read('webhookSecret'),
    apiSecret: read('apiSecret'),
  };
  if (problems.length > 0) throw new Error(`these settings are missing:\n  ${problems.join('\n  ')}`);
  return values;
}
