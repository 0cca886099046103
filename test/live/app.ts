/**
 * The CDK app of `npm run test:live`: the stack of bin/drayage.ts under the name of this run
 * (context value `name`). It retains nothing.
 */
import { App, RemovalPolicy } from 'aws-cdk-lib';
import { loadConfig } from '../../core/mirror-yaml/load.ts';
import { readAppSettings } from '../../lib/app-settings.ts';
import { ImageMirrorStack } from '../../lib/image-mirror-stack.ts';

const app = new App();
const { configFile, environment } = readAppSettings(app.node, process.env);
const config = loadConfig(configFile);
const account = process.env.CDK_DEFAULT_ACCOUNT;
const stack = new ImageMirrorStack(app, 'Live', {
  stackName: app.node.getContext('name'),
  config,
  environment,
  removalPolicy: RemovalPolicy.DESTROY,
  // A new account may have too few concurrent executions.
  reserveConcurrency: false,
  env: { region: config.mirror.regions[0], ...(account && { account }) },
});
// The CDK's function that empties the bucket answers CloudFormation with node:https, and so never
// where the address is http:, as an emulator's is.
if (process.env.AWS_ENDPOINT_URL?.startsWith('http:'))
  stack.mirror.snapshots.bucket.node.tryRemoveChild('AutoDeleteObjectsCustomResource');
app.synth();
