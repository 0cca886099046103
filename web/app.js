/** The start: asks for a token if the API needs one, and shows the view that the address names. */
import { ApiError, request } from './api.js';
import { element, problem } from './dom.js';
import { showJobs } from './jobs-view.js';
import { showMapping } from './mapping-view.js';
import { showMappings } from './mappings-view.js';
import { leave, showRoute } from './router.js';
import { showSavings } from './savings-view.js';
import { currentToken, isOperator, keepToken, setCaller } from './session.js';
import { showSignIn } from './sign-in.js';
import { showUpstreams } from './upstreams-view.js';

/** @type {Record<string, import('./router.js').Route>} */
const routes = {
  mappings: { title: 'Mappings', tab: 'mappings', show: showMappings },
  mapping: { title: 'Mapping', tab: 'mappings', show: showMapping },
  jobs: { title: 'Jobs', tab: 'jobs', show: showJobs },
  upstreams: { title: 'Upstreams', tab: 'upstreams', show: showUpstreams },
  savings: { title: 'Savings', tab: 'savings', show: showSavings },
};

const main = /** @type {HTMLElement} */ (document.getElementById('main'));
const views = /** @type {HTMLElement} */ (document.getElementById('views'));
const session = /** @type {HTMLElement} */ (document.getElementById('session'));
const callerText = /** @type {HTMLElement} */ (document.getElementById('caller'));
const signOut = /** @type {HTMLButtonElement} */ (document.getElementById('sign-out'));

let isSignedIn = false;

/** Asks the API who we are: without a token first, since some need none. */
async function identify() {
  const { caller } = await request('status');
  setCaller(caller === 'operator' ? 'operator' : 'reader');
}

/** @param {{ isFirst: boolean }} options */
function enter({ isFirst }) {
  isSignedIn = true;
  views.hidden = false;
  session.hidden = false;
  callerText.textContent = isOperator() ? 'Operator' : 'Read-only';
  const hasToken = currentToken() !== '';
  signOut.textContent = hasToken ? 'Sign out' : 'Sign in';
  signOut.hidden = !hasToken && isOperator();
  showRoute(routes, 'mappings', { isFirst });
}

/** @param {string} [message] */
function askForToken(message) {
  leave();
  isSignedIn = false;
  views.hidden = true;
  session.hidden = true;
  document.title = 'Sign in · Drayage';
  showSignIn(main, {
    ...(message !== undefined && { message }),
    submit: async (token) => {
      keepToken(token);
      try {
        await identify();
      } catch (error) {
        keepToken('');
        return meaning(error);
      }
      enter({ isFirst: false });
      return undefined;
    },
  });
}

/** @param {unknown} error */
function meaning(error) {
  if (!(error instanceof ApiError)) return String(error);
  return error.status === 401 ? 'This token is not valid for this API.' : error.message;
}

async function start() {
  try {
    await identify();
    enter({ isFirst: true });
  } catch (error) {
    const hadToken = currentToken() !== '';
    if (error instanceof ApiError && error.status === 401) {
      keepToken('');
      askForToken(hadToken ? 'Your token is no longer accepted. Sign in again.' : undefined);
      return;
    }
    main.replaceChildren(
      element('h1', { tabindex: -1 }, 'Drayage'),
      problem(
        meaning(error),
        element('button', { type: 'button', onclick: () => void start() }, 'Try again'),
      ),
    );
  }
}

window.addEventListener('hashchange', () => {
  // Not an address of ours: the skip link's.
  if (isSignedIn && !/^#[a-z]/.test(location.hash)) showRoute(routes, 'mappings');
});
window.addEventListener('drayage:unauthorized', () => {
  if (!isSignedIn) return;
  keepToken('');
  askForToken('Your token is no longer accepted. Sign in again.');
});
signOut.addEventListener('click', () => {
  keepToken('');
  askForToken();
  main.querySelector('h1')?.focus();
});
document.getElementById('skip')?.addEventListener('click', (event) => {
  event.preventDefault();
  main.focus();
});

void start();
