import { CreateRepositoryCommand, type CreateRepositoryCommandInput, ECRClient } from '@aws-sdk/client-ecr';
import { onTestFinished } from 'vitest';
import { type EmbeddedRegistry, type RegistryOptions, startRegistry } from '../../../local/ecr/server.ts';

/** A registry that ends with the test. */
export async function runRegistry(options: RegistryOptions): Promise<EmbeddedRegistry> {
  const registry = await startRegistry(options);
  onTestFinished(() => registry.stop());
  return registry;
}

/** The real SDK's client for an embedded ECR; ends with the test. */
export function ecrClient(registry: EmbeddedRegistry, maxAttempts = 1): ECRClient {
  const client = new ECRClient({
    endpoint: registry.endpoint,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts,
  });
  onTestFinished(() => client.destroy());
  return client;
}

/** An embedded ECR with its client and one repository, `team/app`. */
export async function runEcr(
  options: Partial<RegistryOptions> & {
    repository?: Omit<CreateRepositoryCommandInput, 'repositoryName'>;
  } = {},
) {
  const { repository, ...rest } = options;
  const registry = await runRegistry({ flavour: 'ecr', ...rest });
  const client = ecrClient(registry);
  await client.send(new CreateRepositoryCommand({ repositoryName: 'team/app', ...repository }));
  const { authorization } = registry;
  const headers = { authorization };
  const v2 = (path: string, init: RequestInit = {}) =>
    fetch(`${registry.endpoint}/v2/${path}`, {
      redirect: 'manual',
      ...init,
      headers: { ...headers, ...(init.headers as Record<string, string> | undefined) },
    });
  return { registry, client, authorization, v2 };
}

/** The error codes and messages of an answer of the registry protocol. */
export async function errorsOf(response: Response): Promise<{ code: string; message: string }[]> {
  const { errors } = (await response.json()) as { errors: { code: string; message: string }[] };
  return errors.map(({ code, message }) => ({ code, message }));
}

/** The error that a promise was rejected with. */
export async function rejectionOf(promise: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  try {
    await promise;
  } catch (error) {
    return error as Error & Record<string, unknown>;
  }
  throw new Error('it should have failed');
}

/** Starts an upload and returns its address. */
export async function startUpload(
  v2: (path: string, init?: RequestInit) => Promise<Response>,
  repository = 'team/app',
): Promise<URL> {
  const response = await v2(`${repository}/blobs/uploads/`, { method: 'POST' });
  if (response.status !== 202) throw new Error(`POST was answered ${response.status}`);
  return new URL(response.headers.get('location') ?? '', response.url);
}
