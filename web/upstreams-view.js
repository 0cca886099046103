/** How each upstream is doing: what it reports, whether it answers, and what is compared. */
import { request } from './api.js';
import { element, facts, problem } from './dom.js';
import { counted, duration, moment, number, relative } from './format.js';
import { poll } from './poll.js';

/** @typedef {import('./api-types.js').Status} Status */
/** @typedef {import('./api-types.js').UpstreamStatus} UpstreamStatus */

const leastMs = 5_000;
const mostMs = 60_000;

/** @type {import('./router.js').View} */
export function showUpstreams(main, _params, signal) {
  const trouble = element('div');
  const content = element('div', {}, element('p', { class: 'quiet' }, 'Loading…'));
  main.append(element('h1', { tabindex: -1 }, 'Upstreams'), trouble, content);
  let shown = '';
  poll(
    async (stop) => {
      try {
        /** @type {Status} */
        const status = await request('status', { signal: stop });
        if (stop.aborted) return false;
        trouble.replaceChildren();
        const sign = JSON.stringify(status);
        const isNew = sign !== shown;
        shown = sign;
        content.replaceChildren(overview(status), ...status.upstreams.map(upstream));
        return isNew;
      } catch (error) {
        if (!stop.aborted) trouble.replaceChildren(problem(/** @type {Error} */ (error).message));
        return false;
      }
    },
    { signal, leastMs, mostMs },
  );
}

/** @param {Status} status */
function overview({ version, regions, jobs }) {
  const { queued, waiting, planned, copying, failed, complete, oldestWaiting } = jobs;
  const least = complete ? '' : 'at least ';
  return facts([
    ['Drayage', `${version}, ${regions.join(', ')}`],
    [
      'Jobs',
      `${least}${number(copying)} copying, ${number(queued)} queued, ${number(waiting)} waiting (${number(planned)} of them planned)`,
    ],
    ['Failed', failedJobs(failed)],
    ['Waiting longest', oldestWaiting && `${oldestWaiting.image}, since ${moment(oldestWaiting.receivedAt)}`],
  ]);
}

/** @param {Status['jobs']['failed']} failed */
function failedJobs({ count, since }) {
  if (count === 0) return `none since ${moment(since)}`;
  return element(
    'span',
    {},
    element('a', { href: '#/jobs?state=failed' }, counted(count, 'job')),
    ` since ${moment(since)}`,
  );
}

/**
 * @param {UpstreamStatus} status
 * @param {number} index
 */
function upstream({ registry, closedUntil, down, lag, webhooks, reconcile }, index) {
  const id = `upstream-${index}`;
  const { repositories, isSearchDue, due, nextDueAt, finishedAt, failing, unlisted } = reconcile;
  return element(
    'section',
    { class: 'card', 'aria-labelledby': id },
    element(
      'h2',
      { id },
      `${registry} `,
      down
        ? element('strong', { class: 'badge bad' }, 'down')
        : closedUntil !== undefined
          ? element('strong', { class: 'badge busy' }, 'closed')
          : null,
    ),
    facts([
      ['Down since', down && `${moment(down.since)}: ${down.reason}`],
      ['Closed until', closedUntil !== undefined && `${moment(closedUntil)} (${relative(closedUntil)})`],
      [
        'From webhook to mapping',
        lag &&
          `median ${duration(lag.medianMs)}, maximum ${duration(lag.maxMs)}, ${counted(lag.jobs, 'job')}`,
      ],
      [
        'Repositories',
        repositories === undefined
          ? 'not listed yet'
          : `${number(repositories)} covered${isSearchDue ? ', a new search is due' : ''}`,
      ],
      ['Compared', finishedAt === undefined ? 'not yet' : relative(finishedAt)],
      [
        'Due',
        due > 0 ? counted(due, 'comparison') : nextDueAt !== undefined && `next ${relative(nextDueAt)}`,
      ],
      [
        'List of repositories',
        unlisted && `${unlisted.message}${unlisted.temporary ? ' (will be tried again)' : ''}`,
      ],
    ]),
    failing.length > 0 &&
      element(
        'div',
        {},
        element('h3', {}, 'Could not be compared'),
        element(
          'ul',
          {},
          ...failing.map((each) => element('li', {}, `${each.repository}: ${each.error.message}`)),
        ),
      ),
    element('h3', {}, 'Webhooks'),
    webhooks.length === 0
      ? element('p', { class: 'quiet' }, 'None. Pushes are found only by comparisons.')
      : element('ul', { class: 'rows' }, ...webhooks.map(webhook)),
  );
}

/** @param {UpstreamStatus['webhooks'][number]} webhook */
function webhook({ name, source, deliveredAt, acceptedAt, refusedAt, refusedFor }) {
  const isRefused = refusedAt !== undefined && (acceptedAt === undefined || acceptedAt < refusedAt);
  return element(
    'li',
    {},
    element(
      'div',
      { class: 'line' },
      element('strong', {}, name),
      ` (${source})`,
      isRefused && element('strong', { class: 'badge bad' }, 'refused'),
    ),
    element(
      'span',
      { class: 'quiet' },
      deliveredAt === undefined ? 'no event yet' : `last event ${relative(deliveredAt)}`,
    ),
    acceptedAt !== undefined && element('span', { class: 'quiet' }, `last accepted ${relative(acceptedAt)}`),
    refusedAt !== undefined &&
      element(
        'span',
        { class: 'quiet' },
        `last refused ${relative(refusedAt)}${refusedFor === undefined ? '' : `: ${refusedFor}`}`,
      ),
  );
}
