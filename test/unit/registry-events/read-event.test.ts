import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readLossEvent } from '../../../core/registry-events/read-event.ts';
import {
  deletion,
  digest,
  event,
  lifecycle,
  place,
  repository,
  repositoryDeletion,
  storage,
} from './events.ts';

const read = (value: unknown) => readLossEvent(value, place);

describe('an event about a lost image', () => {
  it.each([
    ['an image with a tag', deletion(), [{ digest, tag: 'latest' }]],
    ['an image without a tag', deletion({ 'image-tag': undefined }), [{ digest }]],
    ['an image whose tag is null', deletion({ 'image-tag': null }), [{ digest }]],
    ['an image whose tag is empty', deletion({ 'image-tag': '' }), [{ digest }]],
    ['a tag alone', deletion({ 'image-digest': undefined }), [{ tag: 'latest' }]],
    ['an archived image', storage('ARCHIVE'), [{ digest }]],
    ['a field that nobody knew', deletion({ 'last-activated-at': {} }), [{ digest, tag: 'latest' }]],
    [
      'what a lifecycle policy expired',
      lifecycle([
        { lifecycleEventImage: { digest, tagStatus: 'Tagged', tagList: ['1', '2'], pushedAt: 1 } },
        { lifecycleEventImage: { digest, tagStatus: 'Untagged' } },
      ]),
      [{ digest }, { digest, tag: '1' }, { digest, tag: '2' }, { digest }],
    ],
    ['a repository', repositoryDeletion(), 'all'],
  ])('names %s', (_, value, images) => {
    expect(read(value)).toEqual({ repository, images });
  });

  it.each([
    ['another account', { ...deletion(), account: '999999999999' }, 'from the registry of "999999999999"'],
    ['another region', { ...deletion(), region: 'eu-west-1' }, 'in "eu-west-1"'],
    ['another service', { ...deletion(), source: 'my.ecr' }, 'the source is "my.ecr"'],
    ['another type', { ...deletion(), 'detail-type': 'ECR Image Scan' }, 'the detail-type is'],
    ['a referrer', { ...storage('ARCHIVE'), 'detail-type': 'ECR Referrer Action' }, 'the detail-type is'],
    ['another repository', deletion({ 'repository-name': 'team/app' }), '"team/app" is not a mirror'],
    ['a longer prefix', deletion({ 'repository-name': 'mirror-2/app' }), 'is not a mirror repository'],
    ['a push', deletion({ 'action-type': 'PUSH' }), 'deletes nothing'],
    ['a restored image', storage('STANDARD'), 'deletes nothing'],
    ['a failure', deletion({ result: 'FAILURE' }), 'the result is "FAILURE"'],
    ['no image', deletion({ 'image-digest': null, 'image-tag': '' }), 'neither a digest nor a tag'],
    ['a policy that did nothing', lifecycle([]), 'did nothing'],
    ['a preview of a policy', lifecycle([], { eventName: 'DryRunEvent' }), 'the eventName is "DryRunEvent"'],
    ['another call', repositoryDeletion({ eventName: 'CreateRepository' }), 'the eventName is'],
    ['a call that failed', repositoryDeletion({ errorCode: 'AccessDenied' }), 'failed: "AccessDenied"'],
    [
      'a digest that is none',
      deletion({ 'image-digest': 'sha256:1' }),
      'detail.image-digest: it is not a digest',
    ],
    ['a tag that is none', deletion({ 'image-tag': '../x' }), 'malformed: detail.image-tag'],
    ['a list as its detail', event([] as never), 'malformed: detail: Invalid input'],
    [
      'no list of images',
      lifecycle('all'),
      'malformed: detail.serviceEventDetails.lifecycleEventImageActions',
    ],
    ['nothing', undefined, 'malformed: the event'],
    ['a text', 'DELETE', 'malformed: the event'],
  ])('is ignored if it is about %s', (_, value, reason) => {
    expect(read(value)).toEqual({ ignored: expect.stringContaining(reason) });
  });

  it('is a hint or ignored, whatever it holds', () => {
    const some = fc.oneof(fc.jsonValue(), fc.constantFrom('DELETE', 'SUCCESS', digest, repository, 'latest'));
    const fields = Object.keys(deletion().detail);
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...fields), some), (detail) => {
        const answer = read(deletion(detail));
        if ('ignored' in answer) expect(answer.ignored.length).toBeLessThan(400);
        else expect(answer.repository.startsWith('mirror/')).toBe(true);
      }),
    );
    fc.assert(fc.property(fc.jsonValue(), (value) => 'ignored' in read(value)));
  });
});
