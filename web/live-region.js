/** Tells users of screen readers what has changed, a moment after it did, and only the latest. */

const pauseMs = 700;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/** @param {string} text */
export function announce(text) {
  clearTimeout(timer);
  timer = setTimeout(() => {
    const region = document.getElementById('live');
    if (region && region.textContent !== text) region.textContent = text;
  }, pauseMs);
}
