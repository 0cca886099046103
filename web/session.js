/** The token, for as long as this tab is open, and what it allows. */

const key = 'drayage.token';
/** Without storage (a browser can forbid it), a reload asks again. */
let token = stored();

/** @type {'reader' | 'operator'} */
let caller = 'reader';

function stored() {
  try {
    return sessionStorage.getItem(key) ?? '';
  } catch {
    return '';
  }
}

/** The token, or an empty text. */
export function currentToken() {
  return token;
}

/** @param {string} value an empty one forgets the token */
export function keepToken(value) {
  token = value;
  try {
    if (value === '') sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, value);
  } catch {
    // It stays in this module.
  }
}

/** @param {'reader' | 'operator'} value what `GET /v1/status` says */
export function setCaller(value) {
  caller = value;
}

export function isOperator() {
  return caller === 'operator';
}
