/** The API's answers, for the type checker: the page's modules are JavaScript. */
import type { presentJob } from '../core/jobs/record.ts';
import type { DaySavings as SavingsDay } from '../core/jobs/savings/sum.ts';
import type { PastMapping as KnownPastMapping } from '../core/mapping/history.ts';
import type { Mapping as KnownMapping } from '../core/mapping/record.ts';
import type { Verified } from '../core/verify/verdict.ts';
import type { Status, UpstreamStatus } from '../lambda/api/status.ts';

export type { SavingsDay, Status, UpstreamStatus, Verified };
export type Job = ReturnType<typeof presentJob>;
export type Mapping = KnownMapping & { verified?: Verified };
export type PastMapping = KnownPastMapping & { verified?: Verified };
