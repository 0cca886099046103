import { RemovalPolicy } from 'aws-cdk-lib';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';

/** Secrets that exist already. */
export interface ExistingSecrets {
  /** The root of the webhook secrets. */
  readonly webhooks?: ISecret;
  /** The root of the API tokens. */
  readonly api?: ISecret;
}

/** Settings of {@link DeploymentSecrets}. */
export interface DeploymentSecretsProps {
  /**
   * Secrets to use instead of new ones, for example those of an earlier deployment: `{"root": "<64
   * random characters>"}`.
   *
   * @default - a new secret for each that is left out
   */
  readonly secrets?: ExistingSecrets;
  /**
   * What happens to new secrets when they are removed from the stack. Losing them means pasting a
   * new secret at every upstream.
   *
   * @default RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE: they stay, unless their own first deployment
   *   fails
   */
  readonly removalPolicy?: RemovalPolicy;
}

/**
 * The deployment's own secrets, each `{"root": "<64 random characters>"}`: every webhook secret and
 * every API token is derived from its root (`core/webhooks/secrets/secrets.ts`), so nobody has to
 * invent or distribute one. There are two, so that the webhook function, which accepts requests
 * from the internet, cannot derive API tokens.
 */
export class DeploymentSecrets extends Construct {
  /**
   * The root of the webhook secrets, read by the webhook function, and by the API function for the
   * operator.
   */
  readonly webhooks: ISecret;
  /** The root of the reader and operator tokens, read by the API function. */
  readonly api: ISecret;

  constructor(scope: Construct, id: string, props: DeploymentSecretsProps = {}) {
    super(scope, id);
    const { secrets = {}, removalPolicy = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE } = props;
    this.webhooks =
      secrets.webhooks ?? rootSecret(this, 'Webhooks', 'Drayage: root of the webhook secrets', removalPolicy);
    this.api = secrets.api ?? rootSecret(this, 'Api', 'Drayage: root of the API tokens', removalPolicy);
  }
}

/**
 * CloudFormation generates the value when it creates the secret, and again whenever a property of
 * `generateSecretString` changes. Changing anything there would invalidate every webhook and token,
 * so a test checks that it stays the same.
 */
function rootSecret(scope: Construct, id: string, description: string, removalPolicy: RemovalPolicy): Secret {
  const secret = new Secret(scope, id, {
    description,
    removalPolicy,
    generateSecretString: {
      secretStringTemplate: '{}',
      generateStringKey: 'root',
      passwordLength: 64,
      excludePunctuation: true,
      includeSpace: false,
    },
  });
  acknowledge(
    secret,
    'AwsSolutions-SMG4',
    'Webhook secrets and tokens derived from it are in the settings of other systems: scheduled rotation would cut them off. An operator rotates them.',
  );
  return secret;
}
