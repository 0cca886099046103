/** All mappings, with a search. */
import { request } from './api.js';
import { element, problem } from './dom.js';
import { bytes, counted, number, relative, shortDigest } from './format.js';
import { announce } from './live-region.js';
import { loadMappings, matching, mostMappings } from './load-mappings.js';
import { keepInAddress } from './router.js';

/** @typedef {import('./load-mappings.js').ListedMapping} ListedMapping */
/**
 * @typedef {object} ListState
 * @property {ListedMapping[]} mappings
 * @property {boolean} isComplete
 * @property {boolean} isLoading
 * @property {number} page
 */

const pageSize = 50;

/** @type {import('./router.js').View} */
export function showMappings(main, params, signal) {
  const search = field('search', 'Search', 'search', params.get('q') ?? '');
  const repository = field('repository', 'Repository (exact name)', 'text', params.get('repository') ?? '');
  const registry = element('select', { id: 'registry' }, element('option', { value: '' }, 'All'));
  const summary = element('p', { class: 'quiet' }, 'Loading…');
  const list = element('ul', { class: 'rows', 'aria-label': 'Mappings' });
  const trouble = element('div');
  const previous = element('button', { type: 'button' }, 'Previous');
  const next = element('button', { type: 'button' }, 'Next');
  const pages = element('nav', { class: 'pages', 'aria-label': 'Pages', hidden: true }, previous, next);

  /** @type {ListState} */
  const state = { mappings: [], isComplete: false, isLoading: true, page: 0 };
  let shown = '';

  const show = () => {
    const found = matching(state.mappings, search.input.value);
    const last = Math.max(0, Math.ceil(found.length / pageSize) - 1);
    state.page = Math.min(state.page, last);
    const start = state.page * pageSize;
    const slice = found.slice(start, start + pageSize);
    const sign = JSON.stringify(slice);
    // The rows stay as long as they are the same: the focus may be in one of them.
    if (sign !== shown) list.replaceChildren(...slice.map(row));
    shown = sign;
    pages.hidden = found.length <= pageSize;
    setDisabled(previous, state.page === 0);
    setDisabled(next, state.page === last);
    summary.textContent = summaryOf(found.length, start, slice.length, state);
    return found.length;
  };

  let loading = new AbortController();
  const load = async () => {
    loading.abort();
    loading = new AbortController();
    const stop = AbortSignal.any([signal, loading.signal]);
    trouble.replaceChildren();
    Object.assign(state, { mappings: [], isComplete: false, isLoading: true });
    const filters = { registry: registry.value, repository: repository.input.value.trim() };
    try {
      for await (const { mappings, isComplete } of loadMappings(filters, stop)) {
        if (stop.aborted) return;
        Object.assign(state, { mappings, isComplete });
        show();
      }
      state.isLoading = false;
      show();
    } catch (error) {
      if (stop.aborted) return;
      state.isLoading = false;
      show();
      trouble.replaceChildren(problem(/** @type {Error} */ (error).message));
    }
  };
  const keep = () =>
    keepInAddress('mappings', {
      q: search.input.value,
      registry: registry.value,
      repository: repository.input.value.trim(),
    });
  const turn = (/** @type {number} */ by) => {
    state.page += by;
    show();
    announce(summary.textContent ?? '');
    list.querySelector('a')?.focus();
  };

  search.input.addEventListener('input', () => {
    state.page = 0;
    announce(counted(show(), 'mapping matches', 'mappings match'));
    keep();
  });
  for (const filter of [registry, repository.input])
    filter.addEventListener('change', () => {
      state.page = 0;
      keep();
      void load();
    });
  previous.addEventListener('click', () => previous.getAttribute('aria-disabled') !== 'true' && turn(-1));
  next.addEventListener('click', () => next.getAttribute('aria-disabled') !== 'true' && turn(1));

  main.append(
    element('h1', { tabindex: -1 }, 'Mappings'),
    element(
      'form',
      { class: 'filters', role: 'search', onsubmit: (event) => event.preventDefault() },
      search.labelled,
      element('div', {}, element('label', { for: 'registry' }, 'Registry'), registry),
      repository.labelled,
    ),
    trouble,
    summary,
    list,
    pages,
  );
  void offerRegistries(registry, params.get('registry') ?? '', signal).then(load);
}

/**
 * @param {string} id
 * @param {string} label
 * @param {string} type
 * @param {string} value
 */
function field(id, label, type, value) {
  const input = element('input', {
    id,
    type,
    value,
    autocomplete: 'off',
    spellcheck: 'false',
    autocapitalize: 'none',
  });
  return { input, labelled: element('div', {}, element('label', { for: id }, label), input) };
}

/**
 * @param {HTMLSelectElement} select
 * @param {string} chosen
 * @param {AbortSignal} signal
 */
async function offerRegistries(select, chosen, signal) {
  const status = await request('status', { signal }).catch(() => undefined);
  const known = new Set(
    (status?.upstreams ?? []).map((/** @type {{ registry: string }} */ each) => each.registry),
  );
  if (chosen !== '') known.add(chosen);
  select.append(...[...known].sort().map((name) => element('option', { value: name }, name)));
  select.value = chosen;
}

/**
 * A button that can't be used keeps the focus, and says so.
 *
 * @param {HTMLButtonElement} button
 * @param {boolean} isDisabled
 */
function setDisabled(button, isDisabled) {
  button.setAttribute('aria-disabled', String(isDisabled));
}

/**
 * @param {number} found
 * @param {number} start
 * @param {number} count
 * @param {{ mappings: ListedMapping[], isComplete: boolean, isLoading: boolean }} state
 */
function summaryOf(found, start, count, { mappings, isComplete, isLoading }) {
  const place =
    count === 0 ? 'No mappings' : `${number(start + 1)} to ${number(start + count)} of ${number(found)}`;
  if (isLoading) return `${place}; loading more…`;
  if (!isComplete && mappings.length >= mostMappings)
    return `${place}. There are more than ${number(mostMappings)} mappings: choose a registry or a repository.`;
  return count === 0 && mappings.length > 0 ? 'No mapping matches.' : `${place}.`;
}

/** @param {ListedMapping} mapping */
function row({ image, digest, sizeBytes, pin, mirroredAt, isVerified }) {
  return element(
    'li',
    {},
    element('a', { href: `#/mapping?image=${encodeURIComponent(image)}` }, image),
    element(
      'span',
      { class: 'quiet' },
      element('code', {}, shortDigest(digest)),
      ` · ${bytes(sizeBytes)} · ${relative(mirroredAt)}`,
      pin && element('strong', { class: 'badge' }, 'pinned'),
      isVerified && element('strong', { class: 'badge good' }, 'verified'),
    ),
  );
}
