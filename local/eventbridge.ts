import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { matchesPattern, type Pattern } from './event-pattern.ts';
import { type LoopbackServer, serveOnLoopback } from './serve-on-loopback.ts';

/** An event on the bus, as rules see it. */
export interface BusEvent {
  version: '0';
  id: string;
  'detail-type': string;
  source: string;
  account: string;
  time: string;
  region: string;
  resources: string[];
  detail: Record<string, unknown>;
}

/** A rule of the bus, and where it sends what matches. */
export interface LocalRule {
  pattern: Pattern;
  /** Gets the event as it is; an input transformer is the target's own business. */
  target: (event: BusEvent) => Promise<void>;
}

export interface LocalEventBus extends LoopbackServer {
  /** Adds a rule for later events. */
  addRule(rule: LocalRule): void;
}

/**
 * https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/events/CalculatePutEventsEntrySize.html
 */
const maxEntries = 10;
const maxBytes = 256 * 1024;

/** The answer to a request or to an entry that is refused. */
class Refused extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Serves PutEvents of the EventBridge API for the default event bus, the only operation that the
 * functions use, and sends each event to the targets of the rules that match it. It is as strict as
 * EventBridge about sizes and required fields.
 *
 * @param log reports targets that refuse an event: EventBridge would try again for a day
 */
export async function startEventBus(region: string, log: NodeJS.WritableStream): Promise<LocalEventBus> {
  const rules: LocalRule[] = [];
  const deliver = async (event: BusEvent) => {
    const matching = rules.filter(({ pattern }) => matchesPattern(event, pattern));
    await Promise.all(
      matching.map(({ target }) =>
        target(event).catch((error: Error) => {
          log.write(`the event ${event.id} could not be passed on: ${error.message}\n`);
        }),
      ),
    );
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', async () => {
      const operation = String(request.headers['x-amz-target']);
      const answer = (status: number, body: object) => {
        response
          .writeHead(status, { 'content-type': 'application/x-amz-json-1.1' })
          .end(JSON.stringify(body));
      };
      try {
        if (operation !== 'AWSEvents.PutEvents')
          throw new Refused('UnknownOperationException', `${operation} is not served here`);
        const entries = entriesOf(Buffer.concat(chunks).toString('utf8'));
        const results = entries.map((entry) => resultOf(entry, region));
        await Promise.all(results.map((result) => (result instanceof Refused ? undefined : deliver(result))));
        answer(200, {
          FailedEntryCount: results.filter((result) => result instanceof Refused).length,
          Entries: results.map((result) =>
            result instanceof Refused
              ? { ErrorCode: result.code, ErrorMessage: result.message }
              : { EventId: result.id },
          ),
        });
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        answer(400, { __type: error.code, message: error.message });
      }
    });
  });
  return { ...(await serveOnLoopback(server)), addRule: (rule) => void rules.push(rule) };
}

type Entry = Record<string, unknown>;

/** @throws Refused if the request as a whole is refused. */
function entriesOf(body: string): Entry[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    throw new Refused('SerializationException', 'the request is not JSON');
  }
  const entries = (parsed as { Entries?: unknown } | null)?.Entries;
  if (!Array.isArray(entries) || entries.length === 0 || entries.length > maxEntries)
    throw new Refused(
      'ValidationException',
      `Value at 'entries' failed to satisfy constraint: Member must have 1 to ${maxEntries} items`,
    );
  if (entries.some((entry) => typeof entry !== 'object' || entry === null))
    throw new Refused('SerializationException', 'an entry is not an object');
  const bytes = (entries as Entry[]).reduce((sum, entry) => sum + sizeOf(entry), 0);
  if (bytes >= maxBytes)
    throw new Refused('ValidationException', 'Total size of the entries in the request is over the limit.');
  return entries as Entry[];
}

function sizeOf({ Time, Source, DetailType, Detail, Resources }: Entry): number {
  const texts = [Source, DetailType, Detail, ...(Array.isArray(Resources) ? Resources : [])];
  const bytes = texts.map((text) => (typeof text === 'string' ? Buffer.byteLength(text) : 0));
  return bytes.reduce((sum, each) => sum + each, Time === undefined ? 0 : 14);
}

/** The event of an entry, or why it is refused. */
function resultOf(entry: Entry, region: string): BusEvent | Refused {
  try {
    const source = required(entry, 'Source');
    // https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events.html
    if (source.startsWith('aws.'))
      return new Refused('NotAuthorizedForSourceException', 'Not authorized for the source.');
    const bus = entry.EventBusName ?? 'default';
    if (bus !== 'default')
      return new Refused('ResourceNotFoundException', `Event bus ${bus} does not exist.`);
    const { Time, Resources } = entry;
    return {
      version: '0',
      id: randomUUID(),
      'detail-type': required(entry, 'DetailType'),
      source,
      account: '000000000000',
      time: new Date(typeof Time === 'number' ? Time * 1000 : Date.now()).toISOString(),
      region,
      resources: Array.isArray(Resources) ? Resources.map(String) : [],
      detail: detailOf(required(entry, 'Detail')),
    };
  } catch (error) {
    if (error instanceof Refused) return error;
    throw error;
  }
}

function required(entry: Entry, name: string): string {
  const value = entry[name];
  if (typeof value === 'string' && value !== '') return value;
  throw new Refused(
    'InvalidArgument',
    `Parameter ${name} is not valid. Reason: ${name} is a required argument.`,
  );
}

function detailOf(text: string): Record<string, unknown> {
  try {
    const detail: unknown = JSON.parse(text);
    if (typeof detail === 'object' && detail !== null && !Array.isArray(detail))
      return detail as Record<string, unknown>;
  } catch {
    // refused below
  }
  throw new Refused('MalformedDetail', 'Detail is malformed.');
}
