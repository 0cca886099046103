import { latestDays } from '../../core/jobs/savings/counts.ts';
import { type DaySavings, savingsOf } from '../../core/jobs/savings/sum.ts';
import { type HttpResponse, json } from '../shared/http.ts';
import type { Call } from './call.ts';
import { parseQuery } from './parse-input.ts';
import { savingsQuery } from './schemas/request.ts';

/** What `GET /v1/savings` returns. */
export interface Savings {
  /** Every day that was asked for, the oldest first; the last one is today, in UTC. */
  days: DaySavings[];
}

/** `GET /v1/savings`: what was mirrored each day, and how much of it was not transferred. */
export async function getSavings({ request, deployment }: Call): Promise<HttpResponse> {
  const { days: wanted } = parseQuery(request, savingsQuery);
  const days = latestDays(wanted, new Date());
  const counts = await deployment.dayCounts.read(days.at(0) ?? '', days.at(-1) ?? '');
  const savings: Savings = { days: savingsOf(days, counts) };
  return json(200, savings);
}
