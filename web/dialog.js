/** Asks before something is changed. */
import { element } from './dom.js';

/**
 * @param {{ title: string, text: string, confirm: string }} question
 * @returns {Promise<boolean>} whether it was confirmed; the focus goes back to where it was
 */
export function ask({ title, text, confirm }) {
  return new Promise((resolve) => {
    const close = (/** @type {boolean} */ answer) => () => {
      dialog.close();
      dialog.remove();
      resolve(answer);
    };
    const dialog = element(
      'dialog',
      { 'aria-labelledby': 'dialog-title', 'aria-describedby': 'dialog-text', oncancel: close(false) },
      element('h2', { id: 'dialog-title' }, title),
      element('p', { id: 'dialog-text' }, text),
      element(
        'div',
        { class: 'buttons' },
        element('button', { type: 'button', onclick: close(false) }, 'Cancel'),
        element('button', { type: 'button', class: 'primary', onclick: close(true) }, confirm),
      ),
    );
    document.body.append(dialog);
    dialog.showModal();
  });
}
