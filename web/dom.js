/**
 * Everything on the page is made here, out of text: nothing that the API says can become markup.
 */

const svgNamespace = 'http://www.w3.org/2000/svg';

/** @typedef {Node | string | number | false | null | undefined} Child */
/** @typedef {string | number | boolean | undefined | ((event: Event) => void)} AttributeValue */
/** @typedef {Record<string, AttributeValue>} Attributes */

/**
 * Makes an element. Functions become listeners (`onclick`), `true` an attribute without a value;
 * `false` and `undefined` leave the attribute out.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children strings become text
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  setAttributes(made, attributes);
  made.append(...present(children));
  return made;
}

/**
 * Makes an element of a drawing.
 *
 * @param {string} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 */
export function drawn(tag, attributes = {}, ...children) {
  const made = document.createElementNS(svgNamespace, tag);
  setAttributes(made, attributes);
  made.append(...present(children));
  return made;
}

/**
 * Links stay on this page: no address comes from the API.
 *
 * @param {Element} target
 * @param {Attributes} attributes
 */
function setAttributes(target, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') {
      target.addEventListener(name.replace(/^on/, ''), value);
      continue;
    }
    if (/^(on|style$|src)/.test(name) || (name === 'href' && !String(value).startsWith('#')))
      throw new Error(`the attribute ${name} is not set from here`);
    if (value === true) target.setAttribute(name, '');
    else if (value !== false && value !== undefined) target.setAttribute(name, String(value));
  }
}

/** @param {Child[]} children */
function present(children) {
  return children.flatMap((child) =>
    child === false || child === null || child === undefined
      ? []
      : [child instanceof Node ? child : `${child}`],
  );
}

/**
 * A list of terms with what they mean; pairs without a value are left out.
 *
 * @param {[string, Child][]} pairs
 */
export function facts(pairs) {
  return element(
    'dl',
    { class: 'facts' },
    ...pairs
      .filter(([, value]) => value !== undefined && value !== false && value !== '')
      .map(([term, value]) => element('div', {}, element('dt', {}, term), element('dd', {}, value))),
  );
}

/**
 * A message that something is wrong.
 *
 * @param {string} text
 * @param {...Child} more
 */
export function problem(text, ...more) {
  return element('div', { class: 'problem', role: 'alert' }, element('p', {}, text), ...more);
}
