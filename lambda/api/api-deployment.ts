import { WebhookDeployment } from '../shared/webhook-deployment.ts';

/** What the API function works with. */
export class ApiDeployment extends WebhookDeployment {
  /** The secret whose `root` the API's tokens derive from; empty if the API needs no token. */
  get apiSecret(): string {
    return this.environment.text('DRAYAGE_API_SECRET', { mayBeEmpty: true });
  }
}
