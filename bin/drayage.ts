/**
 * The CDK app: one image mirror, as `mirror.yaml` describes it.
 *
 *     npx cdk synth
 *     npx cdk deploy --context config=path/to/mirror.yaml
 *
 * The configuration is the context value `config`, else the environment variable DRAYAGE_CONFIG,
 * else `./mirror.yaml`. The region is the configuration's first; the account is that of the
 * credentials, and without any the template fits every account. The context value `environment`, a
 * JSON object, adds environment variables to the functions, for emulators.
 */
import { Annotations, App } from 'aws-cdk-lib';
import { formatConfigError, InvalidConfigError, loadConfigWithWarnings } from '../core/mirror-yaml/load.ts';
import { readAppSettings } from '../lib/app-settings.ts';
import { InvalidImageMirrorPropsError } from '../lib/image-mirror-props.ts';
import { ImageMirrorStack } from '../lib/image-mirror-stack.ts';
import { addSecurityChecks } from '../lib/security-checks.ts';

try {
  const app = new App();
  const { configFile, environment } = readAppSettings(app.node, process.env);
  const { config, warnings } = loadConfigWithWarnings(configFile);
  const account = process.env.CDK_DEFAULT_ACCOUNT;
  const stack = new ImageMirrorStack(app, 'Drayage', {
    config,
    environment,
    env: { region: config.mirror.regions[0], ...(account && { account }) },
  });
  for (const warning of warnings) {
    Annotations.of(stack).addWarningV2(`drayage:${warning.path}`, formatConfigError(configFile, warning));
  }
  addSecurityChecks(app);
  app.synth();
} catch (error) {
  // The user's input is wrong: the message says what and where; a stack trace would only hide it.
  if (!(error instanceof InvalidConfigError || error instanceof InvalidImageMirrorPropsError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
