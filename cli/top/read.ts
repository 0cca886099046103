import type { DaySavings } from '../../core/jobs/savings/sum.ts';
import { plainText } from '../../core/oci/plain-text.ts';
import type { Status } from '../../lambda/api/status.ts';
import type { DrayageApi, Job } from '../api/client.ts';
import { RequestError } from '../api/request-error.ts';

/** What a deployment said about itself. */
export interface Reading {
  status: Status;
  /** Each list has the newest jobs first, and not all of them if there are many. */
  copying: Job[];
  waiting: Job[];
  failed: Job[];
  /** Of today; absent: the deployment is older than this command, and does not count. */
  savings?: DaySavings;
}

/** More jobs of a state do not fit a screen. */
const jobsRead = 50;
/** Longer texts do not fit, either. */
const longestText = 400;

/** Reads everything at once. @throws RequestError */
export async function readTop(api: DrayageApi): Promise<Reading> {
  const jobsIn = async (state: 'copying' | 'waiting' | 'failed') =>
    (await api.jobs({ states: [state], limit: jobsRead })).jobs;
  const [status, copying, waiting, failed, savings] = await Promise.all([
    api.status(),
    jobsIn('copying'),
    jobsIn('waiting'),
    jobsIn('failed'),
    savingsToday(api),
  ]);
  return { status, copying, waiting, failed, ...(savings && { savings }) };
}

async function savingsToday(api: DrayageApi): Promise<DaySavings | undefined> {
  try {
    return (await api.savings(1)).days.at(-1);
  } catch (error) {
    if (error instanceof RequestError && error.status === 404) return undefined;
    throw error;
  }
}

/**
 * The same with texts that a terminal can't take for commands: upstreams and the network choose
 * many of them.
 */
export function shownTexts<T>(value: T): T {
  if (typeof value === 'string') return plainText(value, longestText) as T;
  if (Array.isArray(value)) return value.map(shownTexts) as T;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, each]) => [shownTexts(name), shownTexts(each)]);
  return Object.fromEntries(entries) as T;
}
