/** Asks for the token. */
import { element, problem } from './dom.js';

/**
 * A form as password managers know it.
 *
 * @param {HTMLElement} main
 * @param {{ message?: string, submit: (token: string) => Promise<string | undefined> }} options
 *   `submit` returns why the token is not accepted
 */
export function showSignIn(main, { message, submit }) {
  const trouble = element('div', {}, message !== undefined && problem(message));
  const token = element('input', {
    id: 'token',
    name: 'password',
    type: 'password',
    autocomplete: 'current-password',
    required: true,
    spellcheck: 'false',
    'aria-describedby': 'token-help',
  });
  const button = element('button', { type: 'submit', class: 'primary' }, 'Sign in');
  const form = element(
    'form',
    {
      class: 'sign-in',
      onsubmit: async (event) => {
        event.preventDefault();
        button.disabled = true;
        const refused = await submit(token.value.trim());
        button.disabled = false;
        if (refused === undefined) return;
        trouble.replaceChildren(problem(refused));
        token.focus();
        token.select();
      },
    },
    element('input', {
      type: 'text',
      name: 'username',
      autocomplete: 'username',
      value: 'drayage',
      hidden: true,
    }),
    element('label', { for: 'token' }, 'Token'),
    token,
    element(
      'p',
      { id: 'token-help', class: 'quiet' },
      'With the reader token, you can see everything. With the operator token, you can also pin, unpin, roll back and retry. The token is kept until you close this tab.',
    ),
    button,
  );
  main.replaceChildren(element('h1', { tabindex: -1 }, 'Sign in'), trouble, form);
}
