/** Buttons that change something. Those who may only read see why they can't. */
import { ApiError, request } from './api.js';
import { ask } from './dialog.js';
import { element } from './dom.js';
import { isOperator, setCaller } from './session.js';

/** @typedef {import('./api-types.js').Job} Job */

const followMs = 500;
const followForMs = 60_000;
const finals = new Set(['committed', 'satisfied', 'superseded', 'failed']);

/**
 * A button that asks, sends a request, and tells what came of it in `told`.
 *
 * @param {object} action
 * @param {string} action.label
 * @param {string} [action.accessibleLabel] if the label alone does not say what is meant
 * @param {{ title: string, text: string, confirm: string }} action.question
 * @param {HTMLElement} action.told
 * @param {() => Promise<string>} action.run returns what to tell
 * @param {() => void} [action.done]
 */
export function actionButton({ label, accessibleLabel, question, told, run, done }) {
  const button = element(
    'button',
    {
      type: 'button',
      'aria-disabled': isOperator() ? undefined : 'true',
      ...(accessibleLabel !== undefined && { 'aria-label': accessibleLabel }),
      onclick: async () => {
        if (!isOperator()) return tell(told, onlyOperators, true);
        if (!(await ask(question))) return undefined;
        setBusy(button, true);
        try {
          tell(told, await run());
          done?.();
        } catch (error) {
          tell(told, meaning(error), true);
        }
        setBusy(button, false);
        return undefined;
      },
    },
    label,
  );
  return button;
}

const onlyOperators = 'Your token is read-only. Sign in with the operator token to do this.';

/** Says once, above buttons, that they need another token. */
export function readOnlyNote() {
  return isOperator() ? null : element('p', { class: 'quiet' }, onlyOperators);
}

/** @param {unknown} error */
function meaning(error) {
  if (error instanceof ApiError && error.status === 403 && error.code === 'forbidden') {
    setCaller('reader');
    return onlyOperators;
  }
  return error instanceof Error ? error.message : String(error);
}

/**
 * @param {HTMLElement} told
 * @param {string} text
 * @param {boolean} [isProblem]
 */
export function tell(told, text, isProblem = false) {
  told.className = isProblem ? 'told problem' : 'told';
  told.textContent = text;
}

/** Where the outcome of actions is told. */
export function outcomePlace() {
  return element('p', { class: 'told', role: 'status' });
}

/**
 * @param {HTMLButtonElement} button
 * @param {boolean} isBusy
 */
function setBusy(button, isBusy) {
  button.disabled = isBusy;
}

/**
 * Sends a change of a tag, and follows its job to the end.
 *
 * @param {'rollback' | 'pin' | 'unpin'} change
 * @param {object} body
 * @param {string} success
 */
export async function changeTag(change, body, success) {
  const { jobs } = await request(`mappings/${change}`, { body });
  const until = Date.now() + followForMs;
  /** @type {Job | undefined} */
  let job = jobs[0];
  while (job !== undefined && !finals.has(job.state) && Date.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, followMs));
    job = await request(`jobs/${job.id}`);
  }
  if (job === undefined || !finals.has(job.state)) return 'The change is queued, but not done yet. See Jobs.';
  if (job.state === 'failed')
    throw new Error(
      `It failed: ${job.error?.message ?? 'no reason was recorded'}. ${job.error?.remedy ?? ''}`,
    );
  return success;
}

/**
 * Tries failed jobs again, all of them or those of one image.
 *
 * @param {string} [image]
 */
export async function redrive(image) {
  let again = 0;
  /** @type {string[]} */
  const skipped = [];
  /** @type {string | undefined} */
  let cursor;
  do {
    /** @type {{ jobs: Job[], skipped: { image: string, reason: string }[], cursor?: string }} */
    const page = await request('jobs/redrive', {
      body: {
        state: 'failed',
        ...(image !== undefined && { image }),
        ...(cursor !== undefined && { cursor }),
      },
    });
    again += page.jobs.length;
    skipped.push(...page.skipped.map(({ image: name, reason }) => `${name}: ${reason}`));
    cursor = page.cursor;
  } while (cursor !== undefined);
  if (again === 0 && skipped.length === 0) return 'There were no failed jobs to try again.';
  const left =
    skipped.length === 0
      ? ''
      : ` Not tried again: ${skipped.slice(0, 3).join('; ')}${skipped.length > 3 ? ` and ${skipped.length - 3} more` : ''}.`;
  return `${again} ${again === 1 ? 'image is' : 'images are'} being tried again.${left}`;
}
