import { Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { Config } from '../core/config/config.ts';
import { ecrHostOf } from '../core/registry/known-registries.ts';

/** Settings of {@link EcrEvents}. */
export interface EcrEventsProps {
  /** The normalised configuration; without a webhook of the source `ecr` there is no rule. */
  readonly config: Config;
  /** The function that takes the events: the webhook function. */
  readonly target: IFunction;
}

/**
 * Hands pushes into ECR registries that are upstreams to the webhook function: those that arrive at this account's default event bus,
 * which are the account's own in this region, and what other accounts and regions send there. Only the rule may invoke the function with
 * them, which is what makes them authentic.
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html
 */
export class EcrEvents extends Construct {
  constructor(scope: Construct, id: string, { config, target }: EcrEventsProps) {
    super(scope, id);
    const registries = config.upstreams.flatMap(({ registry, webhooks }) => {
      const region = ecrHostOf(registry)?.region;
      const account = registry.slice(0, 12);
      return region !== undefined && webhooks.some(({ source }) => source === 'ecr')
        ? [{ account, region }]
        : [];
    });
    if (registries.length === 0) return;
    new Rule(this, 'Rule', {
      description: 'Drayage: images that were pushed into upstream ECR registries',
      eventPattern: {
        source: ['aws.ecr'],
        detailType: ['ECR Image Action'],
        account: [...new Set(registries.map(({ account }) => account))],
        region: [...new Set(registries.map(({ region }) => region))],
        detail: { 'action-type': ['PUSH'], result: ['SUCCESS'] },
      },
      // Lambda takes it at once and tries a failing function again twice; what is lost even so, reconcile finds.
      targets: [new LambdaFunction(target)],
    });
  }
}
