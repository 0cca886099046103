import { EventBus } from 'aws-cdk-lib/aws-events';
import { type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { busSource } from '../core/notify/event-schema.ts';

/**
 * Allow putting Drayage's own events on the default event bus, and no others.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html
 *
 * @param scope where the bus is imported
 * @param grantee who sends events
 */
export function grantEvents(scope: Construct, grantee: IGrantable): void {
  const bus = EventBus.fromEventBusName(scope, 'DefaultEventBus', 'default');
  grantee.grantPrincipal.addToPrincipalPolicy(
    new PolicyStatement({
      actions: ['events:PutEvents'],
      resources: [bus.eventBusArn],
      conditions: { StringEquals: { 'events:source': busSource } },
    }),
  );
}
