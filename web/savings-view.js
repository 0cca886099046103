/** What did not have to be copied, since the mirror had it. */
import { ApiError, request } from './api.js';
import { element, facts, problem } from './dom.js';
import { bytes, counted, number } from './format.js';
import { kinds, savingsChart } from './savings-chart.js';

/** @typedef {import('./api-types.js').SavingsDay} SavingsDay */

const days = 30;

/** @type {import('./router.js').View} */
export function showSavings(main, _params, signal) {
  const content = element('div', {}, element('p', { class: 'quiet' }, 'Loading…'));
  main.append(
    element('h1', { tabindex: -1 }, 'Savings'),
    element(
      'p',
      {},
      'Only layers that the mirror lacks are copied. Layers that another repository of the mirror has are mounted, and layers that are already present are not transferred.',
    ),
    content,
  );
  request(`savings?days=${days}`, { signal })
    .then((answer) => content.replaceChildren(...shown(answer.days)))
    .catch((error) => {
      if (signal.aborted) return;
      const isMissing = error instanceof ApiError && error.status === 404;
      content.replaceChildren(
        isMissing
          ? element('p', {}, 'Not available: this API does not count savings.')
          : problem(error.message),
      );
    });
}

/** @param {SavingsDay[]} answered in any order */
function shown(answered) {
  const sorted = [...answered].sort((one, other) => (one.day < other.day ? -1 : 1));
  const sum = (/** @type {'copied' | 'mounted' | 'present'} */ kind) =>
    sorted.reduce((all, day) => all + day[kind].bytes, 0);
  const [copied, mounted, present] = [sum('copied'), sum('mounted'), sum('present')];
  const total = copied + mounted + present;
  if (total === 0) return [element('p', {}, `Nothing was mirrored in the last ${days} days.`)];
  const saved = mounted + present;
  return [
    element(
      'p',
      { class: 'headline' },
      `${bytes(saved)} of ${bytes(total)} (${Math.floor((saved / total) * 100)} %) did not have to be copied.`,
    ),
    facts([
      ['Images', number(sorted.reduce((all, { images }) => all + images, 0))],
      ['Copied', bytes(copied)],
      ['Mounted', bytes(mounted)],
      ['Present', bytes(present)],
    ]),
    savingsChart(sorted),
    table(sorted),
  ];
}

/** @param {SavingsDay[]} sorted */
function table(sorted) {
  const header = (/** @type {string} */ text) => element('th', { scope: 'col' }, text);
  return element(
    'div',
    { class: 'scrolled', role: 'region', 'aria-labelledby': 'savings-table', tabindex: 0 },
    element(
      'table',
      {},
      element('caption', { id: 'savings-table' }, 'By day, latest first'),
      element(
        'thead',
        {},
        element('tr', {}, ...['Day', 'Images', 'Copied', 'Mounted', 'Present'].map(header)),
      ),
      element(
        'tbody',
        {},
        ...[...sorted]
          .reverse()
          .map((day) =>
            element(
              'tr',
              {},
              element('th', { scope: 'row' }, day.day),
              element('td', {}, number(day.images)),
              ...kinds.map((kind) =>
                element('td', {}, `${bytes(day[kind].bytes)}, ${counted(day[kind].blobs, 'blob')}`),
              ),
            ),
          ),
      ),
    ),
  );
}
