/**
 * `node test/consumers/gitea/record.ts --gitea BINARY --static FOLDER` pushes to a Gitea and writes
 * its deliveries to test/unit/webhooks/fixtures/gitea-recorded-*.json. Host and secret are replaced
 * by made-up ones, and the deliveries are signed again: the signatures cover the bytes of
 * `JSON.stringify(body, null, 2)`. See run.ts for how to build Gitea.
 */
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededImage, seededIndex } from '../../support/seeded-image.ts';
import { createHook } from './hooks.ts';
import { programFromArguments } from './program.ts';
import { pushToGitea } from './push.ts';
import { startGitea } from './start-gitea.ts';

const secret = 'the secret of the recording';
const layers = [{ size: 5_000 }];

const folder = mkdtempSync(join(tmpdir(), 'gitea-record-'));
const received: { headers: IncomingHttpHeaders; text: string }[] = [];
const receiver = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  received.push({ headers: request.headers, text: Buffer.concat(chunks).toString('utf8') });
  response.writeHead(202).end();
}).listen(0, '127.0.0.1');
await once(receiver, 'listening');
try {
  await using gitea = await startGitea(programFromArguments().program);
  const { port } = receiver.address() as AddressInfo;
  await createHook(gitea, `http://127.0.0.1:${port}/webhooks/gitea`, secret);
  const push = (repository: string, tag: string, image: Parameters<typeof pushToGitea>[1]['image']) =>
    pushToGitea(gitea, { folder, repository, tag, image });

  await push('web', '1.0', seededImage({ seed: 'recorded', layers }));
  await deliveries(1);
  await push('team/api', '1.0', seededIndex({ seed: 'recorded', layers }));
  await deliveries(4);
  await push('web', '1.0', seededImage({ seed: 'moved', layers }));
  await deliveries(5);
  const [image, child, , index, moved] = received;
  for (const [name, delivery] of Object.entries({ image, 'index-child': child, index, moved })) {
    if (delivery === undefined) throw new Error(`no delivery to keep as ${name}`);
    const file = new URL(`../../unit/webhooks/fixtures/gitea-recorded-${name}.json`, import.meta.url);
    writeFileSync(file, `${JSON.stringify(madeUp(delivery, gitea.host), null, 2)}\n`);
  }
} finally {
  receiver.close();
  rmSync(folder, { recursive: true, force: true });
}

/** Waits for this many, and a moment longer for one too many. */
async function deliveries(expected: number): Promise<void> {
  for (const until = Date.now() + 10_000; received.length < expected && Date.now() < until; ) await sleep(50);
  await sleep(500);
  if (received.length !== expected)
    throw new Error(`${expected} deliveries were expected, and ${received.length} came`);
}

/** The delivery as it would come from gitea.example. */
function madeUp({ headers, text }: (typeof received)[number], host: string) {
  const body: unknown = JSON.parse(text.replaceAll(`http://${host}`, 'https://gitea.example'));
  if (text !== JSON.stringify(JSON.parse(text), null, 2))
    throw new Error('the body is not written as JSON.stringify(body, null, 2) writes it');
  const sign = (algorithm: string, of: string) => createHmac(algorithm, secret).update(of).digest('hex');
  const resigned = JSON.stringify(body, null, 2);
  const replaced: Record<string, string> = {
    [host]: 'gitea.example',
    [sign('sha256', text)]: sign('sha256', resigned),
    [sign('sha1', text)]: sign('sha1', resigned),
  };
  const { host: _, 'content-length': __, ...kept } = headers;
  const changed = Object.entries(kept).map(([name, value]) => [
    name,
    Object.entries(replaced).reduce((written, [old, made]) => written.replaceAll(old, made), String(value)),
  ]);
  return { headers: Object.fromEntries(changed) as Record<string, string>, body };
}
