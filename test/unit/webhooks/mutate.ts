/** Numbers from 0 to below 1, determined by a seed: mulberry32. */
export type Dice = () => number;

export function dice(seed: number): Dice {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** A whole number from 0 to below `limit`. */
export function below(roll: Dice, limit: number): number {
  return Math.floor(roll() * limit);
}

/** One of them. */
export function pick<T>(roll: Dice, items: readonly T[]): T {
  return items[below(roll, items.length)] as T;
}

type Holder = Record<string, unknown>;

/** Texts that are nearly right, too long or dangerous. */
const texts = [
  ...['', ' ', 'x', '1.0', 'latest', '.x', 'a b', '../../etc', '/', ':', '@', 'a@b', 'acme/api', 'Acme/API'],
  ...['evil.example', 'evil.example/acme/api:1', 'https://169.254.169.254/', 'localhost:1', '[::1]:5000'],
  ...[
    '__proto__',
    'toString',
    'push',
    'ping',
    'nginx',
    'sha256:',
    'YQ==',
    '%2F',
    '{url}',
    'é',
    '\u0000',
    '\ud800',
  ],
  ...[`sha256:${'a'.repeat(64)}`, `sha256-${'a'.repeat(64)}.sig`, 'a'.repeat(300), `${'a/'.repeat(600)}a`],
];

/** What takes the place of values, as JSON: each type, and the texts. */
const replacements = [
  ...['null', 'true', 'false', '0', '-1', '1.5', '1e308', '[]', '{}', '[null]', '[[]]', '[{}]', '["1.0"]'],
  ...['{"a":1}', '{"constructor":7}', '{"__proto__":{"tag":"x"}}', '[1,"a",null]'],
  ...texts.map((text) => JSON.stringify(text)),
];

/** Some text with a few of its characters replaced, left out or doubled. */
export function mutateText(roll: Dice, text: string): string {
  const at = below(roll, text.length + 1);
  const inserted =
    roll() < 0.5 ? '' : pick(roll, ['/', ':', '@', '.', '-', 'A', 'z', ' ', '\n', '\u0000', text]);
  return text.slice(0, at) + inserted + text.slice(at + below(roll, 3));
}

/**
 * A copy of a JSON value in which one to four values, at any depth, are replaced, changed, renamed,
 * doubled or gone.
 */
export function mutate(roll: Dice, json: string): unknown {
  const root: Holder = { body: JSON.parse(json) };
  for (let left = 1 + below(roll, 4); left > 0; left--) {
    const places: [Holder, string][] = [];
    collect(root, places);
    const [holder, key] = pick(roll, places);
    const value = holder[key];
    const kind = roll();
    if (kind < 0.4) set(holder, key, JSON.parse(pick(roll, replacements)));
    else if (kind < 0.65 && typeof value === 'string') set(holder, key, mutateText(roll, value));
    else if (kind < 0.75) {
      const [other, name] = pick(roll, places);
      set(holder, key, structuredClone(other[name]));
    } else if (kind < 0.85 && Array.isArray(value)) value.push(...structuredClone(value.slice(0, 50)));
    else if (Array.isArray(holder)) holder.splice(Number(key), 1);
    else if (holder !== root) delete holder[key];
  }
  return root.body;
}

function collect(holder: Holder, places: [Holder, string][]): void {
  for (const key of Object.keys(holder)) {
    places.push([holder, key]);
    const inner = holder[key];
    if (typeof inner === 'object' && inner !== null) collect(inner as Holder, places);
  }
}

/** Sets an own field, even if it is called `__proto__`. */
function set(holder: Holder, key: string, value: unknown): void {
  Object.defineProperty(holder, key, { value, writable: true, enumerable: true, configurable: true });
}

/** Whether these bytes are JSON in UTF-8. */
export function isJson(body: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
    return true;
  } catch {
    return false;
  }
}
