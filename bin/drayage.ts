/**
 * The CDK app: one image mirror, as `mirror.yaml` describes it.
 *
 *     npx cdk synth
 *     npx cdk deploy --context config=path/to/mirror.yaml
 *
 * The configuration is the context value `config`, else the environment variable DRAYAGE_CONFIG, else
 * `./mirror.yaml`. The region is the configuration's first; the account is that of the credentials, and without
 * any the template fits every account. The context value `environment`, a JSON object, adds environment variables
 * to the functions, for emulators.
 */
import { App } from 'aws-cdk-lib';
import { InvalidConfigError, loadConfig } from '../core/config/load.ts';
import { InvalidImageMirrorPropsError } from '../lib/image-mirror-props.ts';
import { ImageMirrorStack } from '../lib/image-mirror-stack.ts';
import { addSecurityChecks } from '../lib/security-checks.ts';

try {
  const app = new App();
  const config = loadConfig(configFile(app));
  const account = process.env['CDK_DEFAULT_ACCOUNT'];
  new ImageMirrorStack(app, 'Drayage', {
    config,
    environment: extraEnvironment(app),
    env: { region: config.mirror.regions[0], ...(account && { account }) },
  });
  addSecurityChecks(app);
  app.synth();
} catch (error) {
  // What the user wrote is wrong: the message says what and where, a stack trace would only hide it.
  if (!(error instanceof InvalidConfigError || error instanceof InvalidImageMirrorPropsError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

function configFile(app: App): string {
  const context: unknown = app.node.tryGetContext('config');
  if (context !== undefined && typeof context !== 'string') {
    throw new InvalidImageMirrorPropsError(['context config: it is the path of a mirror.yaml']);
  }
  return context ?? process.env['DRAYAGE_CONFIG'] ?? './mirror.yaml';
}

/** From the command line a context value is text; from cdk.json it may be an object. */
function extraEnvironment(app: App): Record<string, string> {
  let context: unknown = app.node.tryGetContext('environment') ?? {};
  try {
    if (typeof context === 'string') context = JSON.parse(context);
  } catch {
    context = undefined;
  }
  if (
    typeof context !== 'object' ||
    context === null ||
    !Object.values(context).every((value) => typeof value === 'string')
  ) {
    throw new InvalidImageMirrorPropsError([
      'context environment: it is a JSON object of strings, for example {"AWS_ENDPOINT_URL_ECR":"http://127.0.0.1:5000"}',
    ]);
  }
  return context as Record<string, string>;
}
