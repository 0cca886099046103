/** Jobs as they go on, and those that failed, with a way to try them again. */
import { actionButton, outcomePlace, readOnlyNote, redrive } from './actions.js';
import { query, request } from './api.js';
import { element, problem } from './dom.js';
import { counted } from './format.js';
import { jobItem } from './job-item.js';
import { announce } from './live-region.js';
import { poll } from './poll.js';
import { keepInAddress } from './router.js';

/** @typedef {import('./api-types.js').Job} Job */

const choices = [
  ['', 'All'],
  ['queued,waiting,copying', 'Not finished'],
  ['copying', 'Copying'],
  ['waiting', 'Waiting'],
  ['failed', 'Failed'],
  ['committed', 'Mirrored'],
];
const pageSize = 30;
const leastMs = 1_000;
const mostMs = 20_000;

/** @type {import('./router.js').View} */
export function showJobs(main, params, signal) {
  const told = outcomePlace();
  const state = element(
    'select',
    { id: 'state' },
    ...choices.map(([value, label]) => element('option', { value }, label)),
  );
  state.value = params.get('state') ?? '';
  if (state.selectedIndex < 0) state.value = '';
  const image = element('input', {
    id: 'image',
    type: 'text',
    value: params.get('image') ?? '',
    autocomplete: 'off',
    spellcheck: 'false',
    autocapitalize: 'none',
  });
  const trouble = element('div');
  const empty = element('p', { class: 'quiet' }, 'Loading…');
  const list = element('ul', { class: 'rows', 'aria-label': 'Jobs' });
  const again = actionButton({
    label: 'Try all failed jobs again',
    question: {
      title: 'Try all failed jobs again?',
      text: 'Each image whose job failed gets a new job, unless it has been mirrored since.',
      confirm: 'Try again',
    },
    told,
    run: () => redrive(),
    done: () => refresh(),
  });
  const newer = element('button', { type: 'button' }, 'Newest');
  const older = element('button', { type: 'button' }, 'Older');

  /** @type {Map<string, ReturnType<typeof jobItem>>} */
  let items = new Map();
  /** @type {{ cursor?: string | undefined, next?: string, states: Map<string, string> }} */
  const place = { cursor: undefined, next: undefined, states: new Map() };

  const show = (/** @type {Job[]} */ jobs) => {
    const now = new Map(
      jobs.map((job) => {
        const item = items.get(job.id) ?? jobItem(job, told, () => refresh());
        item.update(job);
        return [job.id, item];
      }),
    );
    for (const [id, { node }] of items) if (!now.has(id)) node.remove();
    let position = 0;
    for (const { node } of now.values()) {
      const there = list.children[position] ?? null;
      if (there !== node) list.insertBefore(node, there);
      position += 1;
    }
    items = now;
    empty.textContent = jobs.length === 0 ? 'No jobs match.' : '';
    empty.hidden = jobs.length > 0;
    tellEnds(jobs, place.states);
    place.states = new Map(jobs.map((job) => [job.id, job.state]));
  };

  const wanted = () =>
    query({ state: state.value, image: image.value.trim(), limit: pageSize, cursor: place.cursor });
  const ask = async (/** @type {AbortSignal} */ stop) => {
    const asked = wanted();
    try {
      const page = await request(`jobs${asked}`, { signal: stop });
      if (stop.aborted || asked !== wanted()) return true;
      trouble.replaceChildren();
      place.next = page.cursor;
      older.hidden = page.cursor === undefined;
      newer.hidden = place.cursor === undefined;
      const before = [...place.states].join();
      show(page.jobs);
      const isGoingOn = page.jobs.some(
        (/** @type {Job} */ job) => job.state === 'queued' || job.state === 'copying',
      );
      return isGoingOn || before !== [...place.states].join();
    } catch (error) {
      if (!stop.aborted) {
        const text = /** @type {Error} */ (error).message;
        // The same message again would be read out again.
        if (trouble.textContent !== text) trouble.replaceChildren(problem(text));
        if (items.size === 0) empty.hidden = true;
      }
      return false;
    }
  };
  const refresh = poll(ask, { signal, leastMs, mostMs });
  const turn = (/** @type {string | undefined} */ cursor) => {
    place.cursor = cursor;
    place.states = new Map();
    refresh();
    main.querySelector('h1')?.focus();
  };

  const filter = () => {
    keepInAddress('jobs', { state: state.value, image: image.value.trim() });
    place.cursor = undefined;
    place.states = new Map();
    again.hidden = state.value !== 'failed';
    refresh();
  };
  for (const input of [state, image]) input.addEventListener('change', filter);
  newer.addEventListener('click', () => turn(undefined));
  older.addEventListener('click', () => turn(place.next));
  newer.hidden = true;
  older.hidden = true;
  again.hidden = state.value !== 'failed';

  main.append(
    element('h1', { tabindex: -1 }, 'Jobs'),
    element(
      'form',
      { class: 'filters', role: 'search', onsubmit: (event) => event.preventDefault() },
      element('div', {}, element('label', { for: 'state' }, 'State'), state),
      element('div', {}, element('label', { for: 'image' }, 'Image (exact name)'), image),
    ),
    readOnlyNote() ?? '',
    again,
    told,
    trouble,
    empty,
    list,
    element('nav', { class: 'pages', 'aria-label': 'Pages' }, newer, older),
  );
}

/**
 * Says how jobs ended that were on the way: their numbers only.
 *
 * @param {Job[]} jobs
 * @param {Map<string, string>} before
 */
function tellEnds(jobs, before) {
  const ended = jobs.filter(({ id, state }) => {
    const was = before.get(id);
    return was !== undefined && was !== state && (state === 'committed' || state === 'failed');
  });
  if (ended.length === 0) return;
  const failed = ended.filter(({ state }) => state === 'failed').length;
  announce(`${counted(ended.length, 'job')} finished${failed > 0 ? `, ${failed} of them failed` : ''}`);
}
