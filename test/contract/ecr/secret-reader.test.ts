import { expect, it, onTestFinished } from 'vitest';
import { SecretReader } from '../../../core/aws/secrets.ts';
import { startSecretsManager } from '../../../local/secrets-manager.ts';

it('a secret is still trusted when reading it again fails', async () => {
  const values: Record<string, object> = { root: { root: 'one' } };
  const { endpoint, stop } = await startSecretsManager(() => values);
  onTestFinished(stop);
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const reader = new SecretReader({ endpoint, region: 'eu-west-1', credentials });
  await reader.read('root');
  delete values.root;
  await expect(reader.read('root', { fresh: true })).rejects.toMatchObject({ name: 'SecretError' });
  expect(await reader.read('root')).toEqual({ root: 'one' });
  values.root = { root: 'two' };
  expect(await reader.read('root', { fresh: true })).toEqual({ root: 'two' });
  expect(await reader.read('root')).toEqual({ root: 'two' });
});
