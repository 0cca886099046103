import { expect, it } from 'vitest';
import * as z from 'zod';
import { readJson } from '../../../cli/api/read-answer.ts';

it('an answer’s texts are shown without what would control the terminal', () => {
  const text = JSON.stringify({ title: '\u001b[2J\u001b]0;x\u0007\u009b1m\r', steps: ['a\n\tb'], count: 1 });
  const request = { method: 'GET', url: new URL('https://api.example/v1/webhooks') } as const;
  expect(readJson(request, { status: 200, headers: new Headers(), text }, z.unknown())).toEqual({
    title: '�[2J�]0;x��1m�',
    steps: ['a\n\tb'],
    count: 1,
  });
});
