/**
 * A CDK app with the same stack as bin/drayage.ts, for what that one has no settings for. Context
 * values:
 *
 * - `table`, `webhookSecret`, `apiSecret`: ARNs of what exists already, to be adopted;
 * - `broken=true`: one more custom resource, which fails if ECR refuses its function's requests. It
 *   is created after everything else, so the deployment fails as late as it can.
 */
import { App, CustomResource, Stack } from 'aws-cdk-lib';
import { Table } from 'aws-cdk-lib/aws-dynamodb';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { loadConfig } from '../../core/mirror-yaml/load.ts';
import { readAppSettings } from '../../lib/app-settings.ts';
import { ImageMirrorStack } from '../../lib/image-mirror-stack.ts';
import { stackName } from './cdk.ts';

const app = new App();
const { configFile, environment } = readAppSettings(app.node, process.env);
const config = loadConfig(configFile);
const [region] = config.mirror.regions;
const account = process.env.CDK_DEFAULT_ACCOUNT;
const given = (name: string): string | undefined => app.node.tryGetContext(name);
const [table, webhooks, api] = [given('table'), given('webhookSecret'), given('apiSecret')];

// Imports need a scope before the stack exists. They add nothing to any template, and an app
// without resources is not valid.
const scope = new Stack(new App({ autoSynth: false }), 'Imports');
const stack = new ImageMirrorStack(app, stackName, {
  config,
  environment,
  env: { region, ...(account && { account }) },
  ...(table && { table: Table.fromTableArn(scope, 'Table', table) }),
  ...(webhooks &&
    api && {
      secrets: {
        webhooks: Secret.fromSecretCompleteArn(scope, 'Webhooks', webhooks),
        api: Secret.fromSecretCompleteArn(scope, 'Api', api),
      },
    }),
});
if (given('broken') === 'true') {
  const handler = stack.mirror.functions['blob-mounting'];
  if (handler === undefined) throw new Error('the stack has no custom resource to break');
  const broken = new CustomResource(stack, 'Broken', {
    resourceType: 'Custom::Broken',
    serviceToken: handler.functionArn,
  });
  broken.node.addDependency(stack.mirror);
}
app.synth();
