import { DynamoRetiringStore } from '../../core/aws/dynamodb/mappings/retiring.ts';
import { DynamoPassStore } from '../../core/aws/dynamodb/retention/pass-store.ts';
import { EcrMirrorContents } from '../../core/aws/ecr/retention/mirror-contents.ts';
import type { Notifier } from '../../core/notify/ports.ts';
import type { PassStore } from '../../core/retention/pass.ts';
import type { MirrorContents, RetiringStore } from '../../core/retention/ports.ts';
import { openNotifier } from '../shared/notifier.ts';
import { TableDeployment } from '../shared/table-deployment.ts';

/** What the retention function works with. */
export class RetentionDeployment extends TableDeployment {
  get passes(): PassStore {
    return this.once('passes', () => new DynamoPassStore(this.table));
  }

  get notifier(): Notifier {
    return this.once('notifier', openNotifier);
  }

  get retiring(): RetiringStore {
    return this.once('retiring', () => new DynamoRetiringStore(this.table));
  }

  get contents(): MirrorContents {
    return this.once('contents', () => new EcrMirrorContents({ region: this.region }));
  }
}
