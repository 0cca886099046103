import { describe, expect, it } from 'vitest';
import { type JobMessage, jobTriggers } from '../../../core/jobs/record.ts';
import { parseMessage } from '../../../lambda/mirror/message.ts';

const message: JobMessage = {
  job: '01000000000000000000000000',
  image: { registry: 'docker.io', repository: 'library/nginx', reference: '1.27' },
  event: 4,
  trigger: 'webhook',
  receivedAt: '2026-04-01T12:00:00.000Z',
};

describe('a message of the mirror queue', () => {
  it.each(jobTriggers)('is read as it was sent, with the trigger %s', (trigger) => {
    expect(parseMessage(JSON.stringify({ ...message, trigger }))).toEqual({ ...message, trigger });
  });

  it.each([
    ['an unknown trigger', { ...message, trigger: 'whim' }, 'trigger'],
    ['no trigger', { ...message, trigger: undefined }, 'trigger'],
    [
      'a reference that is not a text',
      { ...message, image: { ...message.image, reference: 7 } },
      'reference',
    ],
    ['half an event', { ...message, event: 1.5 }, 'event'],
    ['no job', { ...message, job: undefined }, 'job'],
  ])('is refused with %s, naming the field', (_, wrong, field) => {
    expect(() => parseMessage(JSON.stringify(wrong))).toThrow(field);
    expect(() => parseMessage(JSON.stringify(wrong))).toThrow('the message is not a mirror job');
  });

  it('is refused if it is not JSON', () => {
    expect(() => parseMessage('no json')).toThrow(SyntaxError);
  });
});
