import type { ParkedJob } from '../../core/jobs/ports.ts';
import type { ProcessDependencies } from '../../core/jobs/process-message.ts';
import type { Process } from './machine.ts';
import { currentSurroundings } from './virtual.ts';

/**
 * The same object, some of whose methods behave differently. They get the methods that they
 * replace.
 */
function changed<T extends object>(
  target: T,
  changes: Record<string, (...parameters: never[]) => unknown>,
): T {
  return new Proxy(target, {
    get(_, name) {
      const change = changes[String(name)];
      if (change) return change;
      const member: unknown = Reflect.get(target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

/**
 * As `enqueue` once did: a job's record and its note are written together. A function that dies in
 * between may leave a record that no note reminds of.
 */
export function recordAndNoteTogether(deps: ProcessDependencies): ProcessDependencies {
  const { jobs } = deps;
  const notes = new Map<string, Parameters<typeof jobs.park>>();
  return {
    ...deps,
    jobs: changed(jobs, {
      park: async (job: Pick<ParkedJob, 'id' | 'message'>, notBefore: string) => {
        if (job.message === undefined) await jobs.park(job, notBefore);
        else notes.set(job.id, [job, notBefore]);
      },
      create: async (job: Parameters<typeof jobs.create>[0]) => {
        const note = notes.get(job.id);
        await Promise.all([jobs.create(job), note && jobs.park(...note)]);
      },
    }),
  };
}

/** Conditional writes that once took their own value for another's. */
export type OnceWritten = 'raiseRecheck' | 'acquireLease' | 'begin';

/**
 * As the stores once did: if the answer of a conditional write is lost, and the SDK repeats it, its
 * condition fails, and that counts as another's success.
 */
export function lostAnswerIsAnothers(method: OnceWritten) {
  return (deps: ProcessDependencies): ProcessDependencies => {
    const { mappings, jobs } = deps;
    const forgetful = (write: (...parameters: never[]) => Promise<unknown>) => {
      return async (...parameters: never[]) => {
        const before = lostAnswers();
        const answer = await write(...parameters);
        return lostAnswers() > before ? undefined : answer;
      };
    };
    // It could not replace the note of a job that was never recorded, either.
    const raiseRecheck = forgetful(
      (...[key, job, now, replaced]: Parameters<typeof mappings.raiseRecheck>) =>
        replaced === undefined ? mappings.raiseRecheck(key, job, now) : Promise.resolve(undefined),
    );
    return {
      ...deps,
      mappings: changed(mappings, {
        ...(method === 'raiseRecheck' && { raiseRecheck }),
        ...(method === 'acquireLease' && { acquireLease: forgetful(mappings.acquireLease.bind(mappings)) }),
      }),
      jobs: changed(jobs, { ...(method === 'begin' && { begin: forgetful(jobs.begin.bind(jobs)) }) }),
    };
  };
}

function lostAnswers(): number {
  return (currentSurroundings() as Process | undefined)?.lostAnswers ?? 0;
}
