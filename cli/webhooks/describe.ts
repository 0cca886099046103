import { redactText } from '../../core/registry/transport/redact.ts';
import type { PresentedWebhook } from '../../core/webhooks/present-webhook.ts';
import { formatAge } from '../shared/format.ts';
import { cellWidth } from '../terminal/cells.ts';
import { wrapped } from '../terminal/wrap.ts';
import { plainText } from './plain-text.ts';

/** What helps if deliveries are refused, by the code of the reason. */
const refusalAdvice: Readonly<Record<string, string>> = {
  not_authentic: 'check the secret at the sender',
  not_found: 'check the end of the URL at the sender',
  method_not_allowed: 'something calls the URL with a method other than POST',
  invalid_json: 'have the sender use the content type application/json',
  too_large: 'have the sender send pushes of images only',
};

/** The webhook in a form that anybody may see: without its token and secret. */
export function masked(webhook: PresentedWebhook): PresentedWebhook {
  const { url, secret, authentication } = webhook;
  const shownUrl = authentication.kind === 'path-token' ? url.replace(/[^/]*$/, '…') : url;
  const hide = (text: string) =>
    (secret === undefined ? text : text.replaceAll(secret, '…')).replaceAll(url, shownUrl);
  return {
    ...webhook,
    url: shownUrl,
    ...(secret !== undefined && { secret: '…' }),
    where: hide(webhook.where),
    steps: webhook.steps.map(hide),
  };
}

/** A webhook as a block of lines. */
export function describeWebhook(
  webhook: PresentedWebhook,
  now: number = Date.now(),
  width: number = Number.POSITIVE_INFINITY,
): string[] {
  const rows: [string, string][] = [
    ['URL', webhook.url],
    ...(webhook.secret === undefined ? [] : ([['secret', webhook.secret]] as [string, string][])),
    ['proof', plainText(webhook.authentication.description)],
    ['enter it', plainText(webhook.where)],
    ['events', arrivals(webhook, now)],
    ...refused(webhook, now),
  ];
  if (webhook.retiredUntil !== undefined && Date.parse(webhook.retiredUntil) > now)
    rows.push(['rotated', `the previous secret is accepted until ${webhook.retiredUntil}`]);
  return [
    ...wrapped('', `${webhook.name}: ${webhook.title}, ${webhook.registry}`, width),
    ...rows.flatMap(([label, text]) => wrapped(`  ${label.padEnd(9)} `, text, width)),
  ];
}

/** The indent below a step's first line. */
const below = '     ';

/**
 * The steps of a webhook's guide. Prose is wrapped to the width; text to copy, such as commands, is
 * not.
 */
export function describeSteps(
  { steps, documentation }: PresentedWebhook,
  width: number = Number.POSITIVE_INFINITY,
): string[] {
  const lines = steps.flatMap((step, index) => {
    const [first = '', ...rest] = step.split(/(^[ \t]*```.*?^[ \t]*```$)/ms);
    const told = wrapped(`  ${index + 1}. `, plainText(first), width);
    return [...told, ...rest.flatMap((part, at) => blockOf(part, at % 2 === 0 ? 'code' : 'prose', width))];
  });
  return [...lines, ...wrapped('  See ', documentation, width)].map((line) => line.trimEnd());
}

/** A block below a step: code as it is, or more prose. Each has an empty line before it. */
function blockOf(part: string, kind: 'code' | 'prose', width: number): string[] {
  const text = plainText(part).replace(/^\n+/, '');
  if (text === '') return [];
  return ['', ...(kind === 'code' ? codeOf(text, width) : wrapped(below, text, width))];
}

/** Code below a step, or further to the left if it only fits there. */
function codeOf(code: string, width: number): string[] {
  const lines = code.split('\n');
  const room = width - Math.max(...lines.map(cellWidth));
  const indent = room < 0 ? below : below.slice(0, room);
  return lines.map((line) => indent + line);
}

function arrivals({ deliveredAt, acceptedAt }: PresentedWebhook, now: number): string {
  if (deliveredAt === undefined && acceptedAt === undefined) return 'none has arrived yet';
  const last = `the last one arrived ${formatAge(deliveredAt ?? acceptedAt ?? '', now)}`;
  return acceptedAt === undefined
    ? `${last}; none has led to a job yet`
    : `${last}; the last that led to a job, ${formatAge(acceptedAt, now)}`;
}

function refused(
  { deliveredAt, refusedAt, refusedFor = '' }: PresentedWebhook,
  now: number,
): [string, string][] {
  if (refusedAt === undefined) return [];
  const what = `a delivery was refused ${formatAge(refusedAt, now)}`;
  const since = deliveredAt !== undefined && Date.parse(deliveredAt) > Date.parse(refusedAt);
  if (since) return [['refused', `${what}: ${redactText(refusedFor)}; others have arrived since`]];
  const code = /^\w+/.exec(refusedFor)?.[0] ?? '';
  const help = adviceFor(code);
  return [['warning', `${what}: ${redactText(refusedFor)}${help === undefined ? '' : `: ${help}`}`]];
}

/** What helps when deliveries are refused for this reason. */
export function adviceFor(code: string): string | undefined {
  return Object.hasOwn(refusalAdvice, code) ? refusalAdvice[code] : undefined;
}
