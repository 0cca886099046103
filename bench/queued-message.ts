import { type Message, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';

/** A client of the local stack's queues. */
export function queueClient(environment: Readonly<Record<string, string>>): SQSClient {
  return new SQSClient({
    endpoint: environment.AWS_ENDPOINT_URL_SQS ?? '',
    region: environment.AWS_REGION ?? '',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
}

/** Receives a message of the mirror queue. @throws Error if there is none within ten seconds */
export async function receiveMessage(sqs: SQSClient, queueUrl: string): Promise<Message> {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl: queueUrl,
      WaitTimeSeconds: 10,
      MessageSystemAttributeNames: ['All'],
    }),
  );
  const [message] = Messages;
  if (!message) throw new Error('the mirror queue is empty');
  return message;
}

/** A message as Lambda hands it to a function. */
export function recordOf({ MessageId, ReceiptHandle, Body, Attributes }: Message): object {
  return { messageId: MessageId, receiptHandle: ReceiptHandle, body: Body, attributes: Attributes };
}
