/** Reads the list of mappings, page after page, while the first ones are already shown. */
import { query, request } from './api.js';

/** @typedef {import('./api-types.js').Mapping} Mapping */
/**
 * @typedef {object} ListedMapping
 * @property {string} image
 * @property {string} digest
 * @property {number} sizeBytes
 * @property {boolean} pin
 * @property {string} mirroredAt
 * @property {boolean} isVerified
 * @property {string} text what a search looks at
 */

const firstPage = 100;
const nextPages = 1_000;
/** What a browser holds and searches without effort. Filters of the API bring what is beyond. */
export const mostMappings = 20_000;

/**
 * Yields what has been read so far, each time that there is more.
 *
 * @param {{ registry: string, repository: string }} filters
 * @param {AbortSignal} signal
 * @returns {AsyncGenerator<{ mappings: ListedMapping[], isComplete: boolean }>}
 */
export async function* loadMappings({ registry, repository }, signal) {
  /** @type {ListedMapping[]} */
  const mappings = [];
  /** @type {string | undefined} */
  let cursor;
  do {
    const limit = mappings.length === 0 ? firstPage : nextPages;
    const page = await request(`mappings${query({ registry, repository, limit, cursor })}`, { signal });
    for (const mapping of page.mappings) mappings.push(listed(mapping));
    cursor = page.cursor;
    yield { mappings, isComplete: cursor === undefined };
  } while (cursor !== undefined && mappings.length < mostMappings);
}

/**
 * @param {Mapping} mapping
 * @returns {ListedMapping}
 */
function listed({ image, digest, sizeBytes, pin, mirroredAt, verified }) {
  const text = `${image} ${digest}${pin ? ' pinned' : ''}`.toLowerCase();
  return { image, digest, sizeBytes, pin, mirroredAt, isVerified: verified !== undefined, text };
}

/**
 * The mappings that have all words of a search.
 *
 * @param {ListedMapping[]} mappings
 * @param {string} search
 */
export function matching(mappings, search) {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return mappings;
  return mappings.filter(({ text }) => words.every((word) => text.includes(word)));
}
