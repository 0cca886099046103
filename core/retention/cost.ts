/**
 * What a gigabyte in a private repository costs a month, US dollars: the list price of most
 * regions. https://aws.amazon.com/ecr/pricing/
 */
const dollarsPerGigabyte = 0.1;

/** What some bytes in ECR cost a month, US dollars. */
export function monthlyDollars(bytes: number): number {
  return Math.round((bytes / 2 ** 30) * dollarsPerGigabyte * 100) / 100;
}
