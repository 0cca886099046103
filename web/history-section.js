/** What a tag was mapped to, with a way back. */
import { actionButton, changeTag } from './actions.js';
import { element } from './dom.js';
import { bytes, moment, shortDigest } from './format.js';

/** @typedef {import('./api-types.js').PastMapping} PastMapping */

/** @type {Record<string, string>} */
const removals = {
  deleted: 'deleted from the mirror',
  untagged: 'its tag was removed from the mirror',
  archived: 'archived in the mirror',
  deleted_upstream: 'deleted upstream',
};

/**
 * @param {string} image
 * @param {PastMapping[]} history
 * @param {{ told: HTMLElement, reload: () => void }} page
 */
export function historySection(image, history, page) {
  return element(
    'section',
    { 'aria-labelledby': 'history' },
    element('h2', { id: 'history' }, 'History'),
    history.length === 0
      ? element('p', { class: 'quiet' }, 'No history is recorded.')
      : element('ol', { class: 'rows' }, ...history.map((entry) => item(image, entry, page))),
  );
}

/**
 * @param {string} image
 * @param {PastMapping} entry
 * @param {{ told: HTMLElement, reload: () => void }} page
 */
function item(image, entry, { told, reload }) {
  const { digest, mirroredAt, replacedAt, sizeBytes, current, pin, removed, verified } = entry;
  const short = shortDigest(digest);
  const canRollBack = !current && !removed;
  return element(
    'li',
    {},
    element('code', {}, digest),
    element(
      'span',
      { class: 'quiet' },
      `mirrored ${moment(mirroredAt)}`,
      replacedAt !== undefined && `, replaced ${moment(replacedAt)}`,
      ` · ${bytes(sizeBytes)}`,
      removed && ` · ${removals[removed.reason] ?? removed.reason} ${moment(removed.at)}`,
      current && element('strong', { class: 'badge good' }, 'current'),
      pin && element('strong', { class: 'badge' }, 'pinned'),
      verified !== undefined && element('strong', { class: 'badge good' }, 'verified'),
    ),
    canRollBack &&
      actionButton({
        label: 'Roll back',
        accessibleLabel: `Roll back to ${short}`,
        question: {
          title: 'Roll back?',
          text: `${image} will point to ${short} and stay there until you unpin it.`,
          confirm: 'Roll back',
        },
        told,
        run: () => changeTag('rollback', { image, digest }, `${image} now points to ${short} and is pinned.`),
        done: reload,
      }),
  );
}
