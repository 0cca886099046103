import { DynamoReconcileStore } from '../../core/aws/dynamodb/reconcile-store.ts';
import { DynamoDryRunStore } from '../../core/aws/dynamodb/rounds/dry-run-store.ts';
import { DynamoUpstreamGate } from '../../core/aws/dynamodb/upstream-gate.ts';
import { EcrMirrorImages } from '../../core/aws/ecr/mirror-images.ts';
import { EcrSettingsKeeper } from '../../core/aws/ecr/settings/keeper.ts';
import { SecretReader } from '../../core/aws/secrets.ts';
import { MessageSender } from '../../core/aws/sqs/message-sender.ts';
import type { UpstreamGate } from '../../core/jobs/ports.ts';
import type { Notifier } from '../../core/notify/ports.ts';
import type { DryRunStore } from '../../core/reconcile/dry-run/ports.ts';
import type { ReconcileStore, UpstreamLists } from '../../core/reconcile/ports.ts';
import type { MirrorImages } from '../../core/registry-events/ports.ts';
import { Deployment } from '../shared/deployment.ts';
import { countRequest } from '../shared/metrics.ts';
import { openNotifier } from '../shared/notifier.ts';
import { tellSettings } from '../shared/settings.ts';
import { Upstreams } from '../shared/upstreams.ts';
import { upstreamLists } from './upstream-lists.ts';

/** What the reconcile function works with. */
export class ReconcileDeployment extends Deployment {
  get store(): ReconcileStore {
    return this.once('store', () => new DynamoReconcileStore(this.table));
  }

  get dryRuns(): DryRunStore {
    return this.once('dryRuns', () => new DynamoDryRunStore(this.table));
  }

  get upstreamGate(): UpstreamGate {
    return this.once('upstreamGate', () => new DynamoUpstreamGate(this.table));
  }

  get secrets(): Pick<SecretReader, 'readFields'> {
    return this.once('secrets', () => new SecretReader());
  }

  get upstreams(): UpstreamLists {
    return this.once('upstreams', () => upstreamLists(new Upstreams(this)));
  }

  /** Counts the mirror queue's messages. */
  get queueLength(): Pick<MessageSender, 'count'> {
    return this.once('queueLength', () => new MessageSender(this.environment.text('DRAYAGE_QUEUE_URL')));
  }

  /** Looks at images of the mirror registry. */
  get images(): MirrorImages & Pick<EcrMirrorImages, 'tags' | 'repositories'> {
    return this.once('images', () => new EcrMirrorImages({ region: this.region, onRequest: countRequest }));
  }

  /** Keeps the settings of the mirror's repositories. */
  get settings(): EcrSettingsKeeper {
    return this.once('settings', () => {
      const { region, config } = this;
      return new EcrSettingsKeeper(config.mirror.repository, { client: { region }, report: tellSettings });
    });
  }

  /** Tells what it would change, and changes nothing. */
  get settingsPlan(): Pick<EcrSettingsKeeper, 'keepInLine'> {
    return this.once('settingsPlan', () => {
      const { region, config } = this;
      return new EcrSettingsKeeper(config.mirror.repository, { client: { region } });
    });
  }

  get notifier(): Notifier {
    return this.once('notifier', openNotifier);
  }
}
