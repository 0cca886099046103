/** The minimum of every Node function that sends to a queue: the client, unused. */
import { SQSClient } from '@aws-sdk/client-sqs';

const client = new SQSClient({});

export async function handler(): Promise<{ statusCode: number; body: string }> {
  return { statusCode: 202, body: JSON.stringify({ version: client.config.apiVersion }) };
}
