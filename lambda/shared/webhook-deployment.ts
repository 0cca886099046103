import { DynamoWebhookStates } from '../../core/aws/dynamodb/webhook-states.ts';
import { SecretReader } from '../../core/aws/secrets.ts';
import {
  DeploymentSecrets,
  type SecretRoots,
  type WebhookSecrets,
} from '../../core/webhooks/secrets/secrets.ts';
import type { WebhookStates } from '../../core/webhooks/secrets/state.ts';
import { Deployment } from './deployment.ts';

/** The dependencies of the functions that know the webhooks' secrets. */
export class WebhookDeployment extends Deployment {
  /** The account of the mirror's registry; absent if the mirror is not on AWS. */
  get account(): string | undefined {
    return this.environment.optionalText('DRAYAGE_ACCOUNT');
  }

  get secrets(): Pick<SecretReader, 'read' | 'readField' | 'readFields'> {
    return this.once('secrets', () => new SecretReader());
  }

  get webhookStates(): WebhookStates {
    return this.once('webhookStates', () => new DynamoWebhookStates(this.table));
  }

  get webhookSecrets(): WebhookSecrets {
    return this.once(
      'webhookSecrets',
      () => new DeploymentSecrets((options) => this.webhookRoots(options), this.webhookStates),
    );
  }

  /** The root of all webhook secrets. */
  async webhookRoots(options: { fresh: boolean } = { fresh: false }): Promise<SecretRoots> {
    const secret = this.environment.text('DRAYAGE_WEBHOOK_SECRET');
    const root = await this.secrets.readField(secret, 'root', options);
    const { previousRoot } = await this.secrets.read(secret);
    return typeof previousRoot === 'string' && previousRoot !== '' ? { root, previousRoot } : { root };
  }
}
