import { MessageSender } from '../core/aws/sqs/message-sender.ts';
import type { Config } from '../core/config/config.ts';
import { type NotifyRule, notifyRules } from '../core/notify/rules.ts';
import type { Pattern } from './event-pattern.ts';
import type { LocalEventBus } from './eventbridge.ts';
import type { LocalQueue } from './sqs.ts';

/**
 * Adds the configuration's rules to the event bus: what matches goes to the notify queue, in the
 * form of the deployed rules' input transformer (lib/notifications.ts).
 *
 * @returns a function that closes the connection to the queue
 */
export function addNotifyRules(
  bus: LocalEventBus,
  { config, queue, region }: { config: Config; queue: LocalQueue; region: string },
): () => void {
  const credentials = { accessKeyId: 'events', secretAccessKey: 'local' };
  const sender = new MessageSender(queue.notifyQueueUrl, { region, credentials, endpoint: queue.endpoint });
  for (const { endpoint, pattern } of notifyRules(config)) {
    bus.addRule({
      pattern: busPattern(pattern),
      async target({ detail }) {
        const entry = { MessageBody: JSON.stringify({ endpoint, event: detail }), MessageGroupId: endpoint };
        const [refused] = await sender.send([{ message: endpoint, entry }]);
        if (refused) throw new Error(`the notify queue refused it: ${refused.reason}`);
      },
    });
  }
  return () => sender.close();
}

/** The pattern of a rule with the fields as EventBridge names them; the CDK's are in camel case. */
export function busPattern({ source, detailType, detail }: NotifyRule['pattern']): Pattern {
  return { source, 'detail-type': detailType, detail };
}
