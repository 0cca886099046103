/** One job in the list. It is changed in place, so that the focus and the reader's place stay. */
import { actionButton, redrive } from './actions.js';
import { element } from './dom.js';
import { bytes, counted, duration, moment, relative } from './format.js';

/** @typedef {import('./api-types.js').Job} Job */

/** @type {Record<string, string>} */
const tones = { failed: 'bad', committed: 'good', copying: 'busy' };

/**
 * @param {Job} job
 * @param {HTMLElement} told where the outcome of a retry goes
 * @param {() => void} refresh
 * @returns {{ node: HTMLLIElement, update: (job: Job) => void }}
 */
export function jobItem(job, told, refresh) {
  const { id, image } = job;
  const state = element('strong', { class: 'badge' });
  const when = element('span', { class: 'quiet' });
  const progress = element('div', { class: 'progress' });
  const bar = element('progress', { max: 1, value: 0, 'aria-label': `Copying ${image}` });
  const amount = element('span', { class: 'quiet' });
  const details = element('div');
  progress.append(bar, amount);
  const node = element(
    'li',
    { 'data-job': id },
    element(
      'div',
      { class: 'line' },
      state,
      element('a', { href: `#/mapping?image=${encodeURIComponent(image)}` }, image),
    ),
    when,
    progress,
    details,
  );
  let shown = '';
  /** @param {Job} now */
  const update = (now) => {
    state.textContent = now.state;
    state.className = `badge ${tones[now.state] ?? ''}`;
    when.textContent = timesOf(now);
    const isCopying = now.state === 'copying' && now.progress !== undefined;
    progress.hidden = !isCopying;
    if (now.progress && isCopying) {
      const { blobs, totalBlobs, bytes: done, totalBytes } = now.progress;
      bar.max = Math.max(1, totalBytes);
      bar.value = Math.min(done, bar.max);
      amount.textContent = `${bytes(done)} of ${bytes(totalBytes)}, ${blobs} of ${counted(totalBlobs, 'blob')}`;
    }
    const sign = JSON.stringify([now.state, now.error, now.reason, now.transfer]);
    if (sign !== shown) details.replaceChildren(...detailsOf(now, told, refresh));
    shown = sign;
  };
  update(job);
  return { node, update };
}

/** @param {Job} job */
function timesOf({ trigger, receivedAt, notBefore, finishedAt, attempts, lagMs, state }) {
  return [
    `${trigger}, ${moment(receivedAt)}`,
    state === 'waiting' && notBefore !== undefined && `continues ${relative(notBefore)}`,
    finishedAt !== undefined && lagMs !== undefined && `mirrored ${duration(lagMs)} later`,
    attempts > 1 && counted(attempts, 'attempt'),
  ]
    .filter(Boolean)
    .join(' · ');
}

/**
 * @param {Job} job
 * @param {HTMLElement} told
 * @param {() => void} refresh
 */
function detailsOf({ image, state, error, reason, transfer }, told, refresh) {
  const moved = transfer && state === 'committed' ? transferOf(transfer) : '';
  const nodes = [
    error &&
      element(
        'div',
        { class: 'error' },
        element('p', {}, `${error.message} `, element('code', {}, error.code)),
        error.remedy !== '' && element('p', {}, element('strong', {}, 'Remedy: '), error.remedy),
      ),
    reason && element('p', { class: 'quiet' }, reason.message),
    moved !== '' && element('p', { class: 'quiet' }, moved),
    state === 'failed' &&
      actionButton({
        label: 'Try again',
        accessibleLabel: `Try again: ${image}`,
        question: {
          title: 'Try again?',
          text: `A new job is queued for ${image}.`,
          confirm: 'Try again',
        },
        told,
        run: () => redrive(image),
        done: refresh,
      }),
  ];
  return nodes.filter((node) => node instanceof HTMLElement);
}

/** @param {NonNullable<Job['transfer']>} transfer */
function transferOf(transfer) {
  return /** @type {const} */ (['copied', 'mounted', 'present'])
    .filter((kind) => transfer[kind].blobs > 0)
    .map((kind) => `${kind} ${counted(transfer[kind].blobs, 'blob')}, ${bytes(transfer[kind].bytes)}`)
    .join(' · ');
}
