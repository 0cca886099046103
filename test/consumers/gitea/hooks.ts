import { createHmac } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import type { Gitea } from './start-gitea.ts';

/** A webhook as Gitea's API describes it, which never includes the secret. */
export interface Hook {
  id: number;
  active: boolean;
  type: string;
  events: string[];
  config: { url: string; content_type: string };
}

/** A delivery as Gitea keeps it. */
export interface KeptDelivery {
  hook: number;
  signature: string;
  body: string;
  /** The status of the answer; 0 if nobody answered. */
  status: number;
}

/**
 * The webhooks of Gitea's user. https://docs.gitea.com/api/1.23/#tag/user/operation/userListHooks
 */
export async function listHooks(gitea: Gitea): Promise<Hook[]> {
  return (await (await ask(gitea, 'GET', '')).json()) as Hook[];
}

/** Enters a webhook for packages by hand. */
export async function createHook(gitea: Gitea, url: string, secret: string): Promise<Hook> {
  const config = { url, secret, content_type: 'json' };
  const response = await ask(gitea, 'POST', '', { type: 'gitea', active: true, events: ['package'], config });
  return (await response.json()) as Hook;
}

export async function deleteHook(gitea: Gitea, { id }: Hook): Promise<void> {
  await ask(gitea, 'DELETE', `/${id}`);
}

async function ask(gitea: Gitea, method: string, path: string, body?: object): Promise<Response> {
  const response = await fetch(`${gitea.endpoint}/api/v1/user/hooks${path}`, {
    method,
    headers: { authorization: `token ${gitea.token}`, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  if (!response.ok)
    throw new Error(`Gitea answers ${method} ${path} with ${response.status}: ${await response.text()}`);
  return response;
}

/**
 * What Gitea sent and how it was answered, oldest first. Its API does not show this, so its table
 * is read. When Gitea deletes a webhook, it also deletes its deliveries.
 */
export function keptDeliveries({ database }: Gitea): KeptDelivery[] {
  const opened = new DatabaseSync(database, { readOnly: true, timeout: 5_000 });
  try {
    const rows = opened
      .prepare(
        "select hook_id, request_content, response_content from hook_task where response_content <> '' order by id",
      )
      .all() as { hook_id: number; request_content: string; response_content: string }[];
    return rows.map((row) => {
      const request = JSON.parse(row.request_content) as { headers: Record<string, string>; body: string };
      const { status } = JSON.parse(row.response_content) as { status: number };
      return {
        hook: row.hook_id,
        signature: request.headers['X-Gitea-Signature'] ?? '',
        body: request.body,
        status,
      };
    });
  } finally {
    opened.close();
  }
}

/** Whether a delivery was signed with this secret. https://docs.gitea.com/usage/webhooks */
export function isSignedWith(secret: string, { body, signature }: KeptDelivery): boolean {
  return createHmac('sha256', secret).update(body).digest('hex') === signature;
}
