import { type AdmissionOutcome, admit } from '../../core/admission/admit.ts';
import type { AdmissionChoice } from '../../core/admission/choice.ts';
import { answerGatekeeper } from '../../core/admission/gatekeeper.ts';
import { InvalidReviewError } from '../../core/admission/review.ts';
import type { Log } from './log.ts';
import type { MappingCopy } from './mapping-copy.ts';
import type { Refusal } from './read-body.ts';

/** What requests are answered by. */
export interface Answering {
  copy: MappingCopy;
  choice: AdmissionChoice;
  /** Asks for images to be mirrored; only with the choice `enqueue`. */
  ask(images: readonly string[]): void;
  /** Whether the server is about to end. */
  isStopping(): boolean;
  log: Log;
}

/** An answer: its status, and what is sent as JSON. */
export interface Answer {
  status: number;
  body: object;
  /** The methods that are allowed instead. */
  allow?: string;
}

/** Everything is in memory, so this is never reached unless the process is starved. */
const deadlineMs = 1_000;

/** Answers a request to a path, without its query. */
export async function answer(
  { method, path, body }: { method: string; path: string; body: () => Promise<Uint8Array | Refusal> },
  answering: Answering,
): Promise<Answer> {
  const isRead = method === 'GET' || method === 'HEAD';
  if (path === '/healthz') return isRead ? { status: 200, body: { status: 'ok' } } : notAllowed('GET, HEAD');
  if (path === '/readyz') return isRead ? readiness(answering) : notAllowed('GET, HEAD');
  const isAdmission = path === '/v1/admission' || path.startsWith('/v1/admission/');
  if (!isAdmission && path !== '/v1/gatekeeper') return failed(404, 'not_found', 'there is no such route');
  if (method !== 'POST') return notAllowed('POST');
  const bytes = await body();
  if (bytes === 413) return failed(413, 'too_large', 'the body is too large');
  if (bytes === 503) return failed(503, 'busy', 'there are too many large requests at once');
  try {
    return {
      status: 200,
      body: isAdmission ? await admission(bytes, answering) : gatekeeper(bytes, answering),
    };
  } catch (error) {
    if (error instanceof InvalidReviewError) return failed(400, 'invalid_request', error.message);
    throw error;
  }
}

function readiness({ copy, isStopping }: Answering): Answer {
  const { version } = copy;
  if (isStopping()) return { status: 503, body: { status: 'stopping' } };
  if (!version) return { status: 503, body: { status: 'there is no mapping yet' } };
  const { index, fetchedAt } = version;
  return { status: 200, body: { status: 'ready', mappings: index.count, fetchedAt } };
}

async function admission(body: Uint8Array, { copy, choice, ask, log }: Answering): Promise<object> {
  return await admit(body, {
    choice,
    deadlineMs,
    lookUp: async () => {
      const { version } = copy;
      if (!version) throw new Error('there is no mapping yet');
      return version.index;
    },
    enqueue: async (images) => ask(images),
    report: (outcome) => report(outcome, log),
  });
}

function report({ failure, ...outcome }: AdmissionOutcome, log: Log): void {
  if (failure === undefined) log('info', 'admission', { ...outcome });
  else log('warn', 'a Pod was admitted unchanged', { ...outcome, error: failure });
}

function gatekeeper(body: Uint8Array, { copy, choice, ask, log }: Answering): object {
  const known = copy.version?.index;
  const { answer: said, missing } = answerGatekeeper(body, known, choice);
  if (choice.missing === 'enqueue') ask(missing);
  log('info', 'gatekeeper', { keys: said.response.items.length, missing, hasMapping: known !== undefined });
  return said;
}

function notAllowed(allow: string): Answer {
  return { ...failed(405, 'method_not_allowed', `this route takes ${allow}`), allow };
}

function failed(status: number, code: string, message: string): Answer {
  return { status, body: { error: { code, message } } };
}
