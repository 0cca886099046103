import { createServer } from 'node:http';
import { type LoopbackServer, serveOnLoopback } from './serve-on-loopback.ts';

/**
 * Serves GetSecretValue of the Secrets Manager API, the only operation that the functions use.
 *
 * @param values each secret's JSON object, by name; read again for every call.
 */
export async function startSecretsManager(values: () => Record<string, object>): Promise<LoopbackServer> {
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
      const id = secretId(Buffer.concat(chunks).toString('utf8'));
      if (id === undefined) {
        answer(400, { __type: 'InvalidRequestException', Message: 'SecretId is missing.' });
        return;
      }
      const all = values();
      const value = Object.hasOwn(all, id) ? all[id] : undefined;
      if (value === undefined) {
        answer(400, {
          __type: 'ResourceNotFoundException',
          Message: "Secrets Manager can't find the specified secret.",
        });
        return;
      }
      answer(200, {
        Name: id,
        ARN: id,
        SecretString: JSON.stringify(value),
        VersionStages: ['AWSCURRENT'],
      });
    });
  });
  return await serveOnLoopback(server);
}

/** Any process on this machine can send a request, with any body. */
function secretId(body: string): string | undefined {
  try {
    const id = (JSON.parse(body) as { SecretId?: unknown } | null)?.SecretId;
    return typeof id === 'string' ? id : undefined;
  } catch {
    return undefined;
  }
}
