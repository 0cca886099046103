/** What the body of an error says. The texts come from outside and are not redacted. */
export interface ErrorBody {
  /** From the first error that has a well-formed code. */
  code?: string;
  /** One for each error. */
  texts: string[];
  /** The title, if the body is a web page. */
  page?: string;
}

/**
 * The most errors read from one answer. A registry reports one for each blob that a manifest lacks.
 */
const maxErrors = 5;
/** A title is looked for at the beginning of a page. */
const maxPageBytes = 4_000;
/** The most characters of a detail that are shown. */
const maxDetail = 300;

/**
 * Reads a body `{"errors": [{"code", "message", "detail"}]}`
 * (https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes). A detail
 * is any JSON, and for some failures the only place that says why (Quay's, for example). It also
 * reads the fields of {@link plainFields} that token services and proxies use, and the title of a
 * web page. Any other form is ignored.
 *
 * @param hide removes secrets from a text, before it is cut or rewritten: that would hide them from
 *   a later search
 */
export function readErrorBody(body: Uint8Array, hide: (text: string) => string = (text) => text): ErrorBody {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder().decode(body), (_, value) =>
      typeof value === 'string' ? hide(value) : value,
    );
  } catch {
    return readPage(body, hide);
  }
  if (!isObject(parsed)) return { texts: [] };
  const errors = (Array.isArray(parsed.errors) ? parsed.errors : []).filter(isObject).slice(0, maxErrors);
  const [first] = errors.map(codeOf).filter((code) => code !== undefined);
  const texts = errors.map((error) => textOf(error, first)).filter((text) => text !== '');
  const plain = plainFields
    .map((name) => parsed[name])
    .find((value) => typeof value === 'string' && value !== '');
  if (texts.length === 0 && typeof plain === 'string') texts.push(plain);
  return { ...(first !== undefined && { code: first }), texts };
}

/** Whether an answer is HTML. */
export function isWebPage(body: Uint8Array): boolean {
  return /^\s*<(!doctype html|html)\b/i.test(Buffer.from(body.subarray(0, 200)).toString('latin1'));
}

/**
 * A server that is not a registry, or a proxy in front of one, answers with HTML; its title may say
 * what it is.
 */
function readPage(body: Uint8Array, hide: (text: string) => string): ErrorBody {
  const text = hide(Buffer.from(body).toString('utf8')).slice(0, maxPageBytes);
  if (!isWebPage(body)) return { texts: [] };
  const page = /<title[^>]{0,200}>([^<]{0,200})/i.exec(text)?.[1]?.replace(/\s+/g, ' ').trim() ?? '';
  return { texts: page === '' ? [] : [page], page };
}

/**
 * Other fields that may hold a text: Docker Hub's token service (`details`), Harbor (`message`),
 * OAuth (`error_description`, RFC 6749, 5.2), and Quay (`error_message`, `detail`).
 */
const plainFields = ['message', 'details', 'error_description', 'error_message', 'detail'];

function codeOf({ code }: Record<string, unknown>): string | undefined {
  return typeof code === 'string' && /^[A-Z][A-Z_]{0,63}$/.test(code) ? code : undefined;
}

/** Message and detail; the code only if it differs from the error's. */
function textOf(error: Record<string, unknown>, first: string | undefined): string {
  const code = codeOf(error);
  const message = typeof error.message === 'string' ? error.message : '';
  const detail = detailOf(error.detail);
  const parts = [code === first ? '' : (code ?? ''), message, detail === message ? '' : detail];
  return parts.filter((part) => part !== '').join(': ');
}

function detailOf(detail: unknown): string {
  if (detail === undefined || detail === null) return '';
  const text = typeof detail === 'string' ? detail : JSON.stringify(detail);
  if (text === '{}' || text === '[]') return '';
  return text.length > maxDetail ? `${text.slice(0, maxDetail)}…` : text;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
