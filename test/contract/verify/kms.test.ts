import { expect, it } from 'vitest';
import { KmsKeys } from '../../../core/aws/kms.ts';
import { imageVerifier } from '../../../core/verify/verify-image.ts';
import { type ScriptedAnswer, startScriptedServer } from '../../support/scripted-server.ts';
import { KeySigner } from '../../support/signing/key-signer.ts';
import { SignedRepository } from '../../support/signing/signed-repository.ts';

const key = 'arn:aws:kms:eu-west-1:111122223333:alias/signing';
const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };

function answerOf({ publicKey }: KeySigner, KeyUsage = 'SIGN_VERIFY'): ScriptedAnswer {
  const der = publicKey.export({ type: 'spki', format: 'der' });
  const body = { KeyId: key, KeyUsage, PublicKey: der.toString('base64') };
  return { status: 200, headers: { 'content-type': 'application/x-amz-json-1.1' }, body };
}

function failure(type: string, status = 400): ScriptedAnswer {
  return {
    status,
    headers: { 'content-type': 'application/x-amz-json-1.1' },
    body: { __type: type, message: 'no' },
  };
}

async function keysWith(...answers: ScriptedAnswer[]) {
  const server = await startScriptedServer(answers.map((answer) => ({ request: 'POST /', answer })));
  const keys = new KmsKeys({ endpoint: server.origin, region: 'us-east-1', credentials, maxAttempts: 1 });
  return { keys, server };
}

it('a key of AWS KMS verifies, read once and in its own region', async () => {
  const signer = new KeySigner();
  const { keys, server } = await keysWith(answerOf(signer));
  const source = new SignedRepository();
  const { digest } = source.image('app');
  source.tag(digest, 'sig', [signer.simple(digest)]);
  const requirement = { kind: 'signature' as const, authority: { kind: 'kms' as const, key } };
  const verification = { match: 'any' as const, requirements: [requirement] };
  const verifyImage = imageVerifier(keys);
  for (let round = 0; round < 2; round++) {
    expect(await verifyImage({ image: 'a', digest, source, verification }, {})).toMatchObject({
      kind: 'verified',
      verified: { signatures: [{ by: key }] },
    });
  }
  const [request] = server.requests;
  expect(request?.headers['x-amz-target']).toBe('TrentService.GetPublicKey');
  expect(request?.headers.authorization).toContain('/eu-west-1/kms/');
  expect(JSON.parse(String(request?.body))).toEqual({ KeyId: key });
  source.tag(digest, 'sig', [new KeySigner().simple(digest)]);
  expect(await verifyImage({ image: 'a', digest, source, verification }, {})).toMatchObject({
    kind: 'wrong',
  });
});

it.each([
  ['NotFoundException', 'KEY_UNUSABLE', false],
  ['AccessDeniedException', 'KEY_UNUSABLE', false],
  ['ThrottlingException', 'KEY_UNAVAILABLE', true],
])('%s is an error with a remedy, and is not remembered', async (type, code, temporary) => {
  const signer = new KeySigner();
  const { keys } = await keysWith(failure(type), answerOf(signer));
  await expect(keys.readPublicKey(key)).rejects.toMatchObject({
    code,
    temporary,
    remedy: expect.stringMatching(/\w/),
  });
  expect(await keys.readPublicKey(key)).toBe(signer.pem);
});

it('a key that does not sign is refused', async () => {
  const { keys } = await keysWith(answerOf(new KeySigner(), 'ENCRYPT_DECRYPT'));
  await expect(keys.readPublicKey(key)).rejects.toMatchObject({ code: 'KEY_UNUSABLE' });
});

it('a job that gives up does not keep others from the key', async () => {
  const { keys } = await keysWith(answerOf(new KeySigner()));
  const controller = new AbortController();
  const first = keys.readPublicKey(key, { signal: controller.signal });
  const second = keys.readPublicKey(key, {});
  controller.abort(new Error('out of time'));
  await expect(first).rejects.toThrow('out of time');
  expect(await second).toContain('BEGIN PUBLIC KEY');
});
