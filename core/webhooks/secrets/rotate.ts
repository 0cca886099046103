import type { RetiredSecret, WebhookState, WebhookStates } from './state.ts';

/**
 * Every delivery is compared with all of them. With more rotations within a day, the oldest secret
 * expires early.
 */
const maxRetired = 20;

/**
 * Makes a new secret for a webhook. The previous one, and those that are still being rotated out,
 * are accepted until they expire.
 *
 * @param keepSeconds how long the previous secret is still accepted; 0: only the new one is
 * @returns undefined if somebody else rotated at the same time: nothing was changed
 */
export async function rotateSecret(
  states: WebhookStates,
  name: string,
  keepSeconds: number,
  now: Date,
): Promise<WebhookState | undefined> {
  const state = await states.read(name);
  const until = new Date(now.getTime() + keepSeconds * 1000).toISOString();
  const retired: RetiredSecret[] = [{ generation: state.generation, until }, ...state.retired];
  const kept = keepSeconds === 0 ? [] : retired.filter((each) => Date.parse(each.until) > now.getTime());
  return await states.rotate(name, state, kept.slice(0, maxRetired), now);
}
