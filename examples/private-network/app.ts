import { join } from 'node:path';
import { type App, Tags } from 'aws-cdk-lib';
import { ImageMirrorStack, loadConfig } from 'drayage';

/**
 * A mirror whose functions run in a VPC. It pulls from another account's registry,
 * and the clusters of two further accounts pull from it.
 *
 * @param account where to deploy: the VPC is looked up there
 */
export function privateNetwork(app: App, account: string | undefined): ImageMirrorStack {
  if (!account) throw new Error('the account is not known: log in to AWS, or set CDK_DEFAULT_ACCOUNT');
  const config = loadConfig(join(import.meta.dirname, 'mirror.yaml'));
  const [hub = ''] = config.mirror.regions;
  const stack = new ImageMirrorStack(app, 'Mirror', {
    config,
    env: { account, region: hub },
    terminationProtection: true,
  });
  Tags.of(app).add('service', 'image-mirror');
  return stack;
}
