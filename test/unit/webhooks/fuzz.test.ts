import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRepository, isTag } from '../../../core/oci/reference.ts';
import type { WebhookRequest } from '../../../core/webhooks/receive.ts';
import { config, origin, receive, requests } from './deliver.ts';
import { fixture } from './fixture.ts';

const codes =
  /^(malformed|not_configured|not_a_push|no_tag|other_registry|not_an_image|signature|truncated): ./;

/** Never a throw, only statuses that the design knows, reasons with a stable code, and images that may be queued. */
async function expectAnswer(request: WebhookRequest, statuses: number[]): Promise<void> {
  const result = await receive(request);
  expect(statuses).toContain(result.status);
  if (result.kind !== 'events') return;
  const registry = config.upstreams.find(({ webhook }) => webhook?.name === request.name)?.registry;
  for (const { image } of result.events) {
    expect(image.registry).toBe(registry);
    expect(isRepository(image.repository) && isTag(image.tag)).toBe(true);
  }
  const images = result.events.map(({ image }) => `${image.repository}:${image.tag}`);
  expect(new Set(images).size).toBe(images.length);
  for (const { reason } of result.ignored) expect(reason).toMatch(codes);
}

const bodies = [
  'dockerhub-push',
  'github-package',
  'github-ping',
  'distribution-push',
  'distribution-envelope',
].map((file) => fixture(file));

/** A fixture in which some values, at any depth, are replaced or gone. */
const mutated = fc
  .tuple(
    fc.constantFrom(...bodies),
    fc.array(fc.tuple(fc.nat(), fc.option(fc.jsonValue(), { nil: undefined })), {
      minLength: 1,
      maxLength: 4,
    }),
  )
  .map(([body, changes]) =>
    changes.reduce((value, [at, replacement]) => replaceAt(value, at, replacement), body),
  );

function replaceAt(body: unknown, at: number, value: unknown): unknown {
  const root = { body: structuredClone(body) };
  const places: [Record<string, unknown>, string][] = [];
  const visit = (holder: Record<string, unknown>) => {
    for (const [key, inner] of Object.entries(holder)) {
      places.push([holder, key]);
      if (typeof inner === 'object' && inner !== null) visit(inner as Record<string, unknown>);
    }
  };
  visit(root);
  const place = places[at % places.length];
  if (place === undefined) return body;
  if (value === undefined && !Array.isArray(place[0])) delete place[0][place[1]];
  else place[0][place[1]] = value ?? null;
  return root.body ?? null;
}

const senders = fc.constantFrom(requests.hub, requests.github, requests.registry);

describe('receiveWebhook', () => {
  it('answers authentic deliveries of any JSON with 202, or 200 to a ping', async () => {
    await fc.assert(
      fc.asyncProperty(senders, fc.oneof(mutated, fc.jsonValue()), (sender, body) =>
        expectAnswer(sender(JSON.stringify(body)), [202]),
      ),
    );
    const events = fc.oneof(fc.constantFrom('package', 'registry_package', 'ping'), fc.string());
    await fc.assert(
      fc.asyncProperty(events, mutated, (event, body) =>
        expectAnswer(requests.github(JSON.stringify(body), { 'x-github-event': event }), [200, 202]),
      ),
    );
  });

  it('answers authentic deliveries of any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(senders, fc.uint8Array(), (sender, bytes) =>
        expectAnswer(sender(Buffer.from(bytes)), [202, 400]),
      ),
    );
  });

  it('refuses whatever is not authentic', async () => {
    const request = fc.record({
      method: fc.constantFrom('GET', 'POST', 'OPTIONS', 'DELETE'),
      name: fc.oneof(fc.constantFrom('hub', 'github', 'registry', 'toString'), fc.string()),
      headers: fc.dictionary(
        fc.constantFrom('authorization', 'x-hub-signature-256', 'x-github-event'),
        fc.oneof(fc.string(), fc.stringMatching(/^sha256=[0-9a-f]{64}$/)),
      ),
      body: fc.uint8Array(),
    });
    await fc.assert(
      fc.asyncProperty(request, fc.option(fc.string()), (rest, token) =>
        expectAnswer({ ...rest, origin, ...(token !== null && { token }) }, [401, 404, 405]),
      ),
    );
  });
});
