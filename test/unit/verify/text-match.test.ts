import { expect, it } from 'vitest';
import { matchesText } from '../../../core/verify/text-match.ts';

const workflow = 'https://github.com/acme/app/.github/workflows/release.yml';

it.each([
  ['a tag', `${workflow}@refs/tags/v1`, true],
  ['a tag with an @', `${workflow}@refs/tags/pkg@1.0`, true],
  ['a branch', `${workflow}@refs/heads/main`, false],
  ['a branch that is called like a tag', `${workflow}@refs/heads/x@refs/tags/v1`, false],
  ['another owner', `${workflow.replace('acme', 'acme-evil')}@refs/tags/v1`, false],
  ['no ref', workflow, false],
])('a pattern of a workflow and its tags takes %s: %s → %s', (_, identity, expected) => {
  const pattern = 'https://github.com/acme/*/.github/workflows/*@refs/tags/*';
  expect(matchesText(identity, { pattern })).toBe(expected);
});

it.each([
  ['*@example.com', 'jo@example.com', true],
  ['*@example.com', 'jo@example.com@evil.example', false],
  ['*@example.com', 'evil@x.example@example.com', false],
  ['a*b*c', 'aXbYc', true],
  ['a*b', 'a@b', true],
  ['a*', 'b', false],
])('%s and %s: %s', (pattern, text, expected) => expect(matchesText(text, { pattern })).toBe(expected));
