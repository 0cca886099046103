import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { ImageMirror } from './image-mirror.ts';
import type { ImageMirrorProps } from './image-mirror-props.ts';

/** Settings of {@link ImageMirrorStack}: those of the mirror, and those of any stack. */
export interface ImageMirrorStackProps extends StackProps, ImageMirrorProps {}

/**
 * One image mirror as a separate stack, with the outputs that an operator and the command line
 * need.
 */
export class ImageMirrorStack extends Stack {
  readonly mirror: ImageMirror;

  constructor(scope: Construct, id: string, props: ImageMirrorStackProps) {
    super(scope, id, { description: 'Drayage: mirrors container images into Amazon ECR', ...props });
    this.mirror = new ImageMirror(this, 'Mirror', props);
    const { api, table, queue, layerQueue, secrets } = this.mirror;
    this.#output('ApiUrl', api.url, 'The mapping API: `drayage --api`');
    this.#output('WebhookUrls', `${api.url}/webhooks/`, 'Prefix of webhook URLs: append the webhook’s name');
    this.#output('TableName', table.table.tableName, 'Mappings and jobs');
    this.#output('QueueUrl', queue.queue.queueUrl, 'Mirror jobs');
    this.#output('DeadLetterQueueUrl', queue.deadLetterQueue.queueUrl, 'Mirror jobs that crashed too often');
    this.#output('LayerQueueUrl', layerQueue.queue.queueUrl, 'Large layers of mirror jobs');
    this.#output(
      'LayerDeadLetterQueueUrl',
      layerQueue.deadLetterQueue.queueUrl,
      'Layers that crashed too often',
    );
    this.#output('WebhookSecretArn', secrets.webhooks.secretArn, 'The root of the webhook secrets');
    this.#output('ApiSecretArn', secrets.api.secretArn, 'The root of the API tokens');
  }

  #output(name: string, value: string, description: string): void {
    new CfnOutput(this, name, { value, description });
  }
}
