import { Readable } from 'node:stream';
import { DescribeRepositoriesCommand } from '@aws-sdk/client-ecr';
import { describe, expect, it } from 'vitest';
import { type EcrClientConfig, ecrClient } from '../../../core/aws/ecr/call.ts';

/** A client whose API gives these answers in turn, and what it tells of its requests. */
function scripted(answers: (() => object)[], config: EcrClientConfig = {}) {
  const told: object[] = [];
  const client = ecrClient({
    region: 'eu-west-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    maxAttempts: 2,
    requestHandler: { handle: async () => ({ response: answers.shift()?.() }) } as never,
    onRequest: (info) => told.push(info),
    ...config,
  });
  return { told, ask: () => client.send(new DescribeRepositoriesCommand({})) };
}

const answer = (statusCode: number, body: object) => () => ({
  statusCode,
  headers: { 'content-type': 'application/x-amz-json-1.1' },
  body: Readable.from([Buffer.from(JSON.stringify(body))]),
});
const done = answer(200, { repositories: [] });

describe('a client of the ECR API tells of its requests', () => {
  it('each attempt, and that one was throttled, which ECR says with status 400', async () => {
    const { told, ask } = scripted([
      answer(400, { __type: 'ThrottlingException', message: 'Rate exceeded' }),
      done,
    ]);
    await ask();
    expect(told).toEqual([
      { side: 'mirror', status: 429 },
      { side: 'mirror', status: 200 },
    ]);
  });

  it('refused ones, and those without an answer, with its side', async () => {
    const denied = answer(400, { __type: 'AccessDeniedException', message: 'no' });
    const { told, ask } = scripted([denied], { side: 'upstream' });
    await expect(ask()).rejects.toThrow('no');
    expect(told).toEqual([{ side: 'upstream', status: 400 }]);
    const broken = () => {
      throw new Error('cut');
    };
    const cut = scripted([broken, broken]);
    await expect(cut.ask()).rejects.toThrow('cut');
    expect(cut.told.at(-1)).toEqual({ side: 'mirror', status: undefined });
  });
});
