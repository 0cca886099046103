/** Bytes of each day as a picture: copied at the bottom, then what did not have to be. */
import { drawn, element } from './dom.js';
import { bytes } from './format.js';

/** @typedef {import('./api-types.js').SavingsDay} SavingsDay */

/** Drawn from the bottom up. */
export const kinds = /** @type {const} */ (['copied', 'mounted', 'present']);

const width = 720;
const height = 220;
const left = 70;
const bottom = 26;
const top = 10;

/** @param {SavingsDay[]} days the earliest first */
export function savingsChart(days) {
  const most = Math.max(1, ...days.map((day) => kinds.reduce((sum, kind) => sum + day[kind].bytes, 0)));
  const step = (width - left) / Math.max(1, days.length);
  const scale = (height - top - bottom) / most;
  const bars = days.flatMap((day, index) => {
    let y = height - bottom;
    return kinds.map((kind) => {
      const size = day[kind].bytes * scale;
      y -= size;
      return drawn('rect', {
        class: `bar ${kind}`,
        x: left + index * step + step * 0.15,
        y,
        width: step * 0.7,
        height: size,
      });
    });
  });
  const every = Math.ceil(days.length / 6);
  const dates = days.flatMap(({ day }, index) =>
    index % every === 0
      ? [
          drawn(
            'text',
            { x: left + (index + 0.5) * step, y: height - 8, 'text-anchor': 'middle' },
            day.slice(5),
          ),
        ]
      : [],
  );
  const lines = [0, 0.5, 1].flatMap((part) => {
    const y = height - bottom - part * (height - top - bottom);
    return [
      drawn('line', { class: 'grid', x1: left, x2: width, y1: y, y2: y }),
      drawn('text', { x: left - 8, y: y + 4, 'text-anchor': 'end' }, bytes(most * part)),
    ];
  });
  return element(
    'figure',
    {},
    drawn(
      'svg',
      {
        viewBox: `0 0 ${width} ${height}`,
        role: 'img',
        'aria-label': 'Bytes per day: copied, mounted and present. The table below has the numbers.',
      },
      ...lines,
      ...bars,
      ...dates,
    ),
    element('figcaption', {}, ...kinds.map((kind) => element('span', { class: `key ${kind}` }, kind))),
  );
}
