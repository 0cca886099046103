import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  EventBridgeClient,
  ListRulesCommand,
  ListTargetsByRuleCommand,
  TestEventPatternCommand,
} from '@aws-sdk/client-eventbridge';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import {
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { type Dispatcher, request } from 'undici';
import { SqsLayerQueue } from '../../core/aws/sqs/layer-queue.ts';
import type { LayerMessage } from '../../core/jobs/ports.ts';
import { credentials } from './cdk.ts';

/** The outputs of the stack after its deployment. */
export interface Outputs {
  ApiUrl: string;
  WebhookUrls: string;
  TableName: string;
  QueueUrl: string;
  DeadLetterQueueUrl: string;
  LayerQueueUrl: string;
  LayerDeadLetterQueueUrl: string;
  WebhookSecretArn: string;
  ApiSecretArn: string;
}

type QueueOutput = 'QueueUrl' | 'DeadLetterQueueUrl' | 'LayerQueueUrl' | 'LayerDeadLetterQueueUrl';

/** An answer of the deployed API. */
export interface ApiAnswer {
  status: number;
  body: unknown;
}

/** The deployed stack, as its users see it. */
export class Deployment {
  readonly outputs: Outputs;
  readonly #endpoint: string;
  readonly #region: string;

  constructor(endpoint: string, region: string, outputs: Outputs) {
    this.#endpoint = endpoint;
    this.#region = region;
    this.outputs = outputs;
  }

  /** What every client of AWS here is made with. */
  get #aws() {
    return { endpoint: this.#endpoint, region: this.#region, credentials };
  }

  /**
   * Calls the HTTP API.
   *
   * MiniStack serves every API at its own port and tells them apart by the Host header
   * (`{apiId}.execute-api.localhost:PORT`). The resolver of this machine does not know that name,
   * so the request goes to loopback with that header.
   */
  async api(
    method: 'GET' | 'POST',
    path: string,
    options: { headers?: Record<string, string>; body?: string } = {},
  ): Promise<ApiAnswer> {
    const { statusCode, body } = await request(new URL(path, this.#endpoint), {
      method,
      headers: { ...options.headers, host: new URL(this.outputs.ApiUrl).host },
      ...(options.body !== undefined && { body: options.body }),
    });
    return { status: statusCode, body: JSON.parse(await body.text()) };
  }

  /**
   * Serves the HTTP API at an address of loopback, for programs that can't send another Host header
   * than that of the address.
   */
  async front(): Promise<{ url: string; close(): void }> {
    const host = new URL(this.outputs.ApiUrl).host;
    const server = createServer(async (incoming, outgoing) => {
      const { statusCode, headers, body } = await request(new URL(incoming.url ?? '/', this.#endpoint), {
        method: incoming.method as Dispatcher.HttpMethod,
        headers: { ...incoming.headers, host },
        body: ['GET', 'HEAD'].includes(incoming.method ?? '') ? null : incoming,
      });
      outgoing.writeHead(statusCode, headers);
      body.pipe(outgoing);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return {
      url: `http://127.0.0.1:${port}`,
      close() {
        server.close();
        server.closeAllConnections();
      },
    };
  }

  /**
   * Delivers an event of an AWS service to the queues that the deployed rules send it to. As on
   * AWS, nobody but the service may put such an event on the bus, and MiniStack's services send
   * none.
   */
  async deliverServiceEvent(event: object): Promise<void> {
    const [events, sqs] = [new EventBridgeClient(this.#aws), new SQSClient(this.#aws)];
    const text = JSON.stringify(event);
    try {
      const { Rules = [] } = await events.send(new ListRulesCommand({}));
      for (const { Name, EventPattern } of Rules) {
        if (EventPattern === undefined) continue;
        const { Result } = await events.send(new TestEventPatternCommand({ Event: text, EventPattern }));
        if (!Result) continue;
        const { Targets = [] } = await events.send(new ListTargetsByRuleCommand({ Rule: Name }));
        for (const { Arn = '' } of Targets.filter((target) => target.Arn?.startsWith('arn:aws:sqs:'))) {
          const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: Arn.split(':').at(-1) }));
          await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: text }));
        }
      }
    } finally {
      events.destroy();
      sqs.destroy();
    }
  }

  /** The root of one of the deployment's secrets, as an operator reads it. */
  async rootOf(secret: 'WebhookSecretArn' | 'ApiSecretArn'): Promise<string> {
    const client = new SecretsManagerClient(this.#aws);
    try {
      const { SecretString } = await client.send(
        new GetSecretValueCommand({ SecretId: this.outputs[secret] }),
      );
      return JSON.parse(SecretString ?? '').root;
    } finally {
      client.destroy();
    }
  }

  /** How many messages a queue has, including those that are being worked on. */
  async messagesIn(queue: QueueOutput): Promise<number> {
    const client = new SQSClient(this.#aws);
    try {
      const { Attributes = {} } = await client.send(
        new GetQueueAttributesCommand({
          QueueUrl: this.outputs[queue],
          AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
        }),
      );
      return Object.values(Attributes).reduce((sum, count) => sum + Number(count), 0);
    } finally {
      client.destroy();
    }
  }

  /** Sends layer jobs as the mirror function does. */
  async sendLayers(messages: LayerMessage[]): Promise<void> {
    const queue = new SqsLayerQueue(this.outputs.LayerQueueUrl, this.#aws);
    const refused = await queue.send(messages);
    queue.close();
    if (refused[0]) throw new Error(`the layer queue refused a message: ${refused[0].reason}`);
  }
}
