import { type Prices, regionPrices } from './prices.ts';

/** Prices can't be used, or are not known; the message says which, and what helps. */
export class PricesError extends Error {
  override readonly name = 'PricesError';
  readonly remedy: string;
  readonly exitCode = 2;

  constructor(message: string, remedy: string) {
    super(message);
    this.remedy = remedy;
  }
}

/** The names of all prices. */
export const priceNames = Object.keys(regionPrices['us-east-1'] ?? {}) as (keyof Prices)[];

/**
 * The prices of a region, some or all replaced.
 *
 * @param own what the user gives instead, parsed from JSON: names of {@link Prices}, in dollars for
 *   one unit
 * @throws PricesError with all problems, or if the region's prices are not known and not all given
 */
export function pricesFor(region: string, own: unknown = {}): Prices {
  const given = readPrices(own);
  const known = Object.hasOwn(regionPrices, region) ? regionPrices[region] : undefined;
  const missing = priceNames.filter((name) => known === undefined && given[name] === undefined);
  if (missing.length > 0)
    throw new PricesError(
      `the prices of ${region} are not known here, only those of ${Object.keys(regionPrices).join(' and ')}`,
      missing.length === priceNames.length
        ? 'look at the cost in one of them (--region us-east-1), or give the prices of yours in a file (--prices)'
        : `the file of prices lacks ${missing.join(', ')}`,
    );
  return { ...known, ...given } as Prices;
}

function readPrices(own: unknown): Partial<Prices> {
  if (typeof own !== 'object' || own === null || Array.isArray(own))
    throw new PricesError('the prices are not a JSON object', 'write {"ecrGbMonth": 0.09}');
  const problems = Object.entries(own).flatMap(([name, value]) => {
    if (!priceNames.some((known) => known === name)) return [`${name} is not the name of a price`];
    const isPrice = typeof value === 'number' && Number.isFinite(value) && value >= 0;
    return isPrice ? [] : [`${name}: ${JSON.stringify(value)} is not a number of dollars`];
  });
  if (problems.length > 0)
    throw new PricesError(
      `the prices can't be used: ${problems.join('; ')}`,
      `the names are ${priceNames.join(', ')}; a value is what one unit costs, in US dollars`,
    );
  return own as Partial<Prices>;
}
