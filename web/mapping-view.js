/** One mapping: references to copy, what it is, who signed it, and what it was before. */
import { actionButton, changeTag, outcomePlace, readOnlyNote } from './actions.js';
import { ApiError, query, request } from './api.js';
import { copyable } from './copy-button.js';
import { element, facts, problem } from './dom.js';
import { bytes, counted, moment } from './format.js';
import { historySection } from './history-section.js';
import { commandsOf, referencesOf } from './snippets.js';

/** @typedef {import('./api-types.js').Mapping} Mapping */
/** @typedef {import('./api-types.js').PastMapping} PastMapping */
/** @typedef {import('./api-types.js').Verified} Verified */

/** @type {import('./router.js').View} */
export function showMapping(main, params, signal) {
  const image = params.get('image') ?? '';
  const told = outcomePlace();
  const content = element('div', {}, element('p', { class: 'quiet' }, 'Loading…'));
  main.append(
    element('p', {}, element('a', { href: '#/mappings' }, 'All mappings')),
    element('h1', { tabindex: -1, class: 'image' }, image),
    told,
    content,
  );
  const load = async () => {
    const [mapping, history] = await Promise.all([
      found(request(`mappings${query({ image })}`, { signal })),
      image.includes('@') ? undefined : found(request(`mappings/history${query({ image })}`, { signal })),
    ]);
    const page = { told, reload: () => void reload() };
    content.replaceChildren(
      ...(mapping ? sections(mapping, page) : [problem(`${image} is not mirrored.`)]),
      ...(history ? [historySection(image, history.history, page)] : []),
    );
  };
  const reload = () =>
    load().catch((error) => {
      if (!signal.aborted) content.replaceChildren(problem(/** @type {Error} */ (error).message));
    });
  void reload();
}

/**
 * @param {Promise<any>} answer
 * @returns {Promise<any>} undefined if there is no such image
 */
async function found(answer) {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
}

/**
 * @param {Mapping} mapping
 * @param {{ told: HTMLElement, reload: () => void }} page
 */
function sections(mapping, page) {
  const texts = (/** @type {{ label: string, text: string }[]} */ list) =>
    list.map(({ label, text }) => copyable(label, text));
  return [
    part('references', 'References', ...texts(referencesOf(mapping))),
    part('commands', 'Commands', ...texts(commandsOf(mapping))),
    part('content', 'Content', contentOf(mapping)),
    part('signatures', 'Signatures', ...signaturesOf(mapping)),
    ...(mapping.image.includes('@') ? [] : [part('pin', 'Pin', ...pinOf(mapping, page))]),
  ];
}

/**
 * @param {string} id
 * @param {string} title
 * @param {...import('./dom.js').Child} children
 */
function part(id, title, ...children) {
  return element('section', { 'aria-labelledby': id }, element('h2', { id }, title), ...children);
}

/** @param {Mapping} mapping */
function contentOf({
  digest,
  sourceDigest,
  mediaType,
  platforms,
  sizeBytes,
  observedAt,
  mirroredAt,
  foreign,
}) {
  return facts([
    ['Digest', element('code', {}, digest)],
    ['Digest upstream', sourceDigest !== digest && element('code', {}, sourceDigest)],
    ['Platforms', platforms.join(', ')],
    ['Size', bytes(sizeBytes)],
    ['Type', element('code', {}, mediaType)],
    ['Mirrored', moment(mirroredAt)],
    ['Last compared with upstream', moment(observedAt)],
    ['Not in the mirror', foreign && `${counted(foreign.blobs, 'foreign layer')}, ${bytes(foreign.bytes)}`],
  ]);
}

/** @param {Mapping} mapping */
function signaturesOf({ verified, referrers }) {
  return [
    verified
      ? verifiedBy(verified)
      : element('p', {}, 'No signature was required when this image was mirrored.'),
    referrers &&
      element(
        'p',
        { class: 'quiet' },
        `${counted(referrers.copied, 'signature, attestation or SBOM is', 'signatures, attestations and SBOMs are')} in the mirror.`,
      ),
    referrers &&
      referrers.missing.length > 0 &&
      element(
        'ul',
        {},
        ...referrers.missing.map((each) => element('li', {}, `${each.digest} is missing: ${each.reason}`)),
      ),
    referrers?.incomplete && element('p', {}, `There may be more upstream: ${referrers.incomplete.reason}`),
  ];
}

/** @param {Verified} verified */
function verifiedBy({ at, signatures }) {
  return element(
    'div',
    {},
    element('p', {}, element('strong', { class: 'badge good' }, 'verified'), ` ${moment(at)}`),
    element(
      'ul',
      {},
      ...signatures.map(({ kind, by, predicateType, signedAt }) =>
        element(
          'li',
          {},
          `${kind} by ${by}`,
          predicateType !== undefined && ` (${predicateType})`,
          signedAt !== undefined && `, signed ${moment(signedAt)}`,
        ),
      ),
    ),
  );
}

/**
 * @param {Mapping} mapping
 * @param {{ told: HTMLElement, reload: () => void }} page
 */
function pinOf({ image, pin }, { told, reload }) {
  const button = pin
    ? actionButton({
        label: 'Unpin',
        question: {
          title: 'Unpin?',
          text: `${image} will immediately follow its upstream again.`,
          confirm: 'Unpin',
        },
        told,
        run: () => changeTag('unpin', { image }, `${image} follows its upstream again.`),
        done: reload,
      })
    : actionButton({
        label: 'Pin',
        question: {
          title: 'Pin?',
          text: `${image} will stay at this digest, even if a new image is pushed.`,
          confirm: 'Pin',
        },
        told,
        run: () => changeTag('pin', { image }, `${image} is pinned.`),
        done: reload,
      });
  return [
    element(
      'p',
      {},
      pin ? 'Pinned: new pushes do not move the tag.' : 'Not pinned: the tag follows its upstream.',
    ),
    readOnlyNote(),
    button,
  ];
}
