import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { fillGuide } from '../../core/webhooks/present-webhook.ts';
import { receiveWebhook, type WebhookResult } from '../../core/webhooks/receive.ts';
import { secrets } from '../unit/webhooks/deliver.ts';
import { sourceSubject } from '../unit/webhooks/source-subject.ts';

/** The commands that the guide of the source `generic` gives for a CI job. */
it('signing in CI works with the commands of the guide, using a shell, openssl and curl', async () => {
  const subject = await sourceSubject('generic');
  let result: WebhookResult | undefined;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    result = await receiveWebhook(
      {
        method: request.method ?? '',
        name: 'it',
        headers: request.headers as Record<string, string>,
        body: Buffer.concat(chunks),
        origin: 'https://api.example',
      },
      { config: subject.config(), secrets },
    );
    response.writeHead('status' in result ? result.status : 500).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());

  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks/it`;
  const { source, upstream } = subject.webhook();
  const text = source.guide.steps.join('\n');
  const values = { url, secret: '', header: '', name: 'it', registry: upstream.registry };
  const commands = /```sh\n(.*?)\n```/s.exec(fillGuide(text, values))?.[1] ?? '';
  const env = { PATH: process.env.PATH, DRAYAGE_SECRET: subject.secret() };
  await promisify(execFile)('sh', ['-euc', commands], { env });
  expect(result).toMatchObject({
    kind: 'events',
    events: [{ image: { registry: 'reg.example', repository: 'team/app', tag: '1.0' } }],
  });
});
