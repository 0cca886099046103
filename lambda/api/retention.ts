import { jobIdTime } from '../../core/jobs/record.ts';
import { selectImage } from '../../core/policy/select-image.ts';
import { monthlyDollars } from '../../core/retention/cost.ts';
import { hasRetention, newPass, type Pass, type RepositoryReport } from '../../core/retention/pass.ts';
import { HttpError, type HttpResponse, json } from '../shared/http.ts';
import type { Call } from './call.ts';
import { parseBody, parseQuery } from './parse-input.ts';
import { placeOf } from './reconcile.ts';
import { retentionBody, retentionQuery } from './schemas/request.ts';

/** What the API says about a pass of retention. */
export interface RetentionPass {
  id: string;
  dryRun: boolean;
  askedAt: string;
  finishedAt?: string;
  totals: Pass['totals'] & { dollarsPerMonth: number };
  /** In the order of their names. */
  repositories: (RepositoryReport & { dollarsPerMonth: number })[];
  /** There are more: ask again after this one. */
  after?: string;
}

/** Reports in one answer: each lists up to two hundred images. */
const pageSize = 20;

/** `POST /v1/retention`: the retention function begins a pass within a minute. */
export async function postRetention({ request, deployment }: Call): Promise<HttpResponse> {
  const { repository, dryRun } = parseBody(request, retentionBody);
  const { config, passes } = deployment;
  const place = repository === undefined ? undefined : placeOf(repository);
  if (!hasRetention(config))
    throw notCovered('no rule of mirror.yaml has `retention`, so nothing is deleted');
  if (place !== undefined) {
    const selection = selectImage(config, place);
    if (!selection.mirrored) throw notCovered(`${repository}: ${selection.reason}`);
    const { rule } = selection;
    if (rule.retention === undefined)
      throw notCovered(`${repository}: its rule ${rule.match} has no \`retention\`, so nothing is deleted`);
  }
  const pass = newPass({ dryRun, place, now: new Date() });
  await passes.save(pass);
  return json(202, presented(pass, []));
}

/** `GET /v1/retention/{id}` */
export async function getRetention({ request, parameter: id, deployment }: Call): Promise<HttpResponse> {
  const { after } = parseQuery(request, retentionQuery);
  const { passes } = deployment;
  const pass = jobIdTime(id) === undefined ? undefined : await passes.read(id);
  if (pass === undefined)
    throw new HttpError(404, 'not_found', 'there is no pass with this id; they are kept for 30 days');
  const reports = await passes.reports(id, after, pageSize);
  return json(200, presented(pass, reports));
}

function notCovered(message: string): HttpError {
  return new HttpError(403, 'not_configured', message);
}

function presented(pass: Pass, reports: RepositoryReport[]): RetentionPass {
  const { id, dryRun, askedAt, finishedAt, totals } = pass;
  const last = reports.length < pageSize ? undefined : reports.at(-1)?.repository;
  return {
    id,
    dryRun,
    askedAt,
    ...(finishedAt !== undefined && { finishedAt }),
    totals: { ...totals, dollarsPerMonth: monthlyDollars(totals.bytes) },
    repositories: reports.map((report) => ({ ...report, dollarsPerMonth: monthlyDollars(report.bytes) })),
    ...(last !== undefined && { after: last }),
  };
}
