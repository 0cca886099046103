/** What people paste: references and commands for one mapping. */

/** @typedef {import('./api-types.js').Mapping} Mapping */

/**
 * @param {Mapping} mapping
 * @returns {{ label: string, text: string }[]}
 */
export function referencesOf({ mirror, pinned }) {
  const byDigest = { label: 'Mirror, by digest', text: pinned };
  return mirror === pinned ? [byDigest] : [{ label: 'Mirror, by tag', text: mirror }, byDigest];
}

/**
 * @param {Mapping} mapping
 * @returns {{ label: string, text: string }[]}
 */
export function commandsOf({ image, pinned }) {
  const reference = quoted(pinned);
  const name = workloadOf(image);
  return [
    { label: 'Docker', text: `docker pull ${reference}` },
    { label: 'containerd (CRI)', text: `crictl pull ${reference}` },
    { label: 'Kubernetes', text: `kubectl set image deployment/${name} ${name}=${reference}` },
  ];
}

/**
 * The last part of a repository's name, as a deployment and its container are often called.
 *
 * @param {string} image
 */
function workloadOf(image) {
  const last = image.split('@')[0]?.split('/').at(-1)?.split(':')[0] ?? '';
  const name = last.replaceAll(/[^a-z0-9-]+/g, '-').replaceAll(/^-+|-+$/g, '');
  return name === '' ? 'NAME' : name;
}

/**
 * A word of a shell's command. References need no quotes; what is no reference gets them.
 *
 * @param {string} word
 */
function quoted(word) {
  return /^[\w./:@+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
