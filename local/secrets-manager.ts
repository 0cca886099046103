import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface LocalSecrets {
  endpoint: string;
  stop(): Promise<void>;
}

/**
 * Serves GetSecretValue of the Secrets Manager API, the one operation that the functions use.
 *
 * @param values each secret's JSON object, by name; read anew with every call.
 */
export async function startSecretsManager(values: () => Record<string, object>): Promise<LocalSecrets> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const operation = String(request.headers['x-amz-target']).split('.')[1];
      const answer = (status: number, body: object) => {
        response
          .writeHead(status, { 'content-type': 'application/x-amz-json-1.1' })
          .end(JSON.stringify(body));
      };
      if (operation !== 'GetSecretValue') {
        answer(400, { __type: 'UnknownOperationException', message: `${operation} is not served here` });
        return;
      }
      const { SecretId } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { SecretId: string };
      const value = values()[SecretId];
      if (value === undefined) {
        answer(400, {
          __type: 'ResourceNotFoundException',
          Message: "Secrets Manager can't find the specified secret.",
        });
        return;
      }
      answer(200, {
        Name: SecretId,
        ARN: SecretId,
        SecretString: JSON.stringify(value),
        VersionStages: ['AWSCURRENT'],
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
