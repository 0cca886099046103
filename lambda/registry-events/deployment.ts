import { DynamoScanWaits } from '../../core/aws/dynamodb/requirements/scan-waits.ts';
import { EcrMirrorImages } from '../../core/aws/ecr/mirror-images.ts';
import { MessageSender } from '../../core/aws/sqs/message-sender.ts';
import type { ScanWaits } from '../../core/jobs/requirements/ports.ts';
import type { Notifier } from '../../core/notify/ports.ts';
import type { MirrorPlace } from '../../core/registry-events/patterns.ts';
import type { MirrorImages } from '../../core/registry-events/ports.ts';
import { Deployment } from '../shared/deployment.ts';
import type { VisibilityQueue } from '../shared/messages.ts';
import { openNotifier } from '../shared/notifier.ts';

/** What the registry-events function works with. */
export class RegistryEventsDeployment extends Deployment {
  /** Where the mirror's own registry is: only its events count. */
  get place(): MirrorPlace {
    const { region, config } = this;
    const account = this.environment.text('DRAYAGE_ACCOUNT');
    return { account, region, prefix: config.mirror.repositoryPrefix };
  }

  get images(): MirrorImages {
    return this.once('images', () => new EcrMirrorImages({ region: this.region }));
  }

  get scanWaits(): ScanWaits {
    return this.once('scanWaits', () => new DynamoScanWaits(this.table));
  }

  get notifier(): Notifier {
    return this.once('notifier', openNotifier);
  }

  /** The queue that the events come from. */
  get events(): Pick<VisibilityQueue, 'hideFor'> {
    return this.once(
      'events',
      () => new MessageSender(this.environment.text('DRAYAGE_REGISTRY_EVENTS_QUEUE_URL')),
    );
  }
}
