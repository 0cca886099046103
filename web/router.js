/** Which view the address asks for: what stands after `#/`, with a query of its own. */

/**
 * A view fills `main`, and stops everything when the signal is aborted.
 *
 * @typedef {(main: HTMLElement, params: URLSearchParams, signal: AbortSignal) => void} View
 * @typedef {{ title: string, tab: string, show: View }} Route
 */

/** @type {AbortController | undefined} */
let current;

/** @param {string} hash */
function parts(hash) {
  const [path = '', ...rest] = hash.replace(/^#\/?/, '').split('?');
  return { path, params: new URLSearchParams(rest.join('?')) };
}

/**
 * Shows what the address asks for.
 *
 * @param {Record<string, Route>} routes
 * @param {string} fallback the route for any other address
 * @param {{ isFirst?: boolean }} [options] the first view leaves the focus where it is
 */
export function showRoute(routes, fallback, { isFirst = false } = {}) {
  leave();
  const { path, params } = parts(location.hash);
  const route = Object.hasOwn(routes, path) ? routes[path] : routes[fallback];
  const main = document.getElementById('main');
  if (!route || !main) return;
  current = new AbortController();
  main.replaceChildren();
  route.show(main, params, current.signal);
  document.title = `${params.get('image') ?? route.title} · Drayage`;
  for (const link of document.querySelectorAll('#views a')) {
    if (link.getAttribute('href') === `#/${route.tab}`) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  if (isFirst) return;
  window.scrollTo(0, 0);
  main.querySelector('h1')?.focus();
}

/** Stops what the present view does. */
export function leave() {
  current?.abort();
  current = undefined;
}

/**
 * Puts filters into the address, without an entry of their own in the history.
 *
 * @param {string} path
 * @param {Record<string, string>} values
 */
export function keepInAddress(path, values) {
  const given = Object.entries(values).filter(([, value]) => value !== '');
  const text = new URLSearchParams(given).toString();
  history.replaceState(null, '', `#/${path}${text === '' ? '' : `?${text}`}`);
}
