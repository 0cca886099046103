/** The API's answers, for the type checker: the page's modules are JavaScript. */
import type { presentJob } from '../core/jobs/record.ts';
import type { PastMapping as KnownPastMapping } from '../core/mapping/history.ts';
import type { Mapping as KnownMapping } from '../core/mapping/record.ts';
import type { Verified } from '../core/verify/verdict.ts';
import type { UpstreamStatus as KnownUpstream, Status } from '../lambda/api/status.ts';

export type { Status, Verified };
export type Job = ReturnType<typeof presentJob>;
export type Mapping = KnownMapping & { verified?: Verified };
export type PastMapping = KnownPastMapping & { verified?: Verified };
export type UpstreamStatus = KnownUpstream & { lag?: { medianMs: number; maxMs: number; jobs: number } };

interface Amount {
  blobs: number;
  bytes: number;
}

/** A day of `GET /v1/savings`. */
export interface SavingsDay {
  day: string;
  copied: Amount;
  mounted: Amount;
  present: Amount;
  images: number;
}
