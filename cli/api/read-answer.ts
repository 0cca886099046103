import type * as z from 'zod';
import { isWebPage } from '../../core/registry/error-body.ts';
import { redactText } from '../../core/registry/transport/redact.ts';
import { type ApiAnswer, type ApiRequest, requestName } from './exchange.ts';
import { RequestError } from './request-error.ts';

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/**
 * The JSON of an answer, with texts that are safe for a terminal: control characters, which could
 * move its cursor or set its title, become `�`, except tabs and line breaks.
 *
 * @throws RequestError if it does not match the schema
 */
export function readJson<T>(request: ApiRequest, { text }: ApiAnswer, schema: z.ZodType<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(text, (_, each) => (isText(each) ? each.replace(controls, '�') : each));
  } catch {
    throw unusable(request, isWebPage(Buffer.from(text)) ? 'it is a web page' : 'it is not JSON');
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const isMissing = issue?.code === 'invalid_type' && issue.message.endsWith('received undefined');
  if (isMissing) throw unusable(request, `it has no field ${issue.path.join('.')}`);
  const place = issue?.path.length ? `${issue.path.join('.')}: ` : '';
  throw unusable(request, redactText(`${place}${issue?.message ?? 'it has another form'}`, request.secrets));
}

function unusable(request: ApiRequest, why: string): RequestError {
  return new RequestError(`the answer to ${requestName(request)} can’t be used: ${why}`, {
    remedy: 'check that the address is the API’s, and that nothing in between alters its responses',
  });
}

/** The error for an unsuccessful answer, with the API's message: shortened, secrets hidden. */
export function refusal(request: ApiRequest, { status, text, headers }: ApiAnswer): RequestError {
  const told = toldError(text);
  const message = told.message === undefined ? '' : redactText(told.message, request.secrets);
  const where = headers.has('location') ? ', which leads elsewhere' : '';
  return new RequestError(
    `${requestName(request)} was answered ${status}${where}${message === '' ? '' : `: “${message}”`}`,
    {
      status,
      ...(told.code !== undefined && { code: told.code }),
      ...(status >= 300 && status < 400 && { remedy: 'give the address that the API really has' }),
    },
  );
}

interface ToldError {
  code?: string;
  message?: string;
}

/**
 * Where APIs put the message of an error: at the top, in `error`, or in the first item of `errors`
 * or of the body itself.
 */
function toldError(text: string): ToldError {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return {};
  }
  const top = fields(Array.isArray(body) ? body[0] : body);
  const first = Array.isArray(top.errors) ? top.errors[0] : undefined;
  for (const each of [fields(top.error), top, fields(first)]) {
    const message = [each.message, each.error_message, each.detail, each.error, each.title].find(isText);
    if (message !== undefined) return { message, ...(isText(each.code) && { code: each.code }) };
  }
  return isText(first) ? { message: first } : {};
}

function fields(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
