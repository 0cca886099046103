/** A text to copy, with a button that does it. */
import { element } from './dom.js';
import { announce } from './live-region.js';

/**
 * @param {string} label what the text is
 * @param {string} text
 */
export function copyable(label, text) {
  const code = element('code', {}, text);
  const button = element(
    'button',
    {
      type: 'button',
      'aria-label': `Copy: ${label}`,
      onclick: async () => {
        const isCopied = await copy(text, code);
        button.textContent = isCopied ? 'Copied' : 'Selected';
        announce(isCopied ? `${label}: copied` : `${label}: selected, copy it with the keyboard`);
        setTimeout(() => {
          button.textContent = 'Copy';
        }, 2_000);
      },
    },
    'Copy',
  );
  return element('div', { class: 'copyable' }, element('h3', {}, label), element('div', {}, code, button));
}

/**
 * Without https, and where the browser refuses, the text is selected instead.
 *
 * @param {string} text
 * @param {HTMLElement} shown
 */
async function copy(text, shown) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    window.getSelection()?.selectAllChildren(shown);
    return false;
  }
}
