import { expect, test } from '@jest/globals';
import { storedCause } from './cause.ts';

test('a cause is stored with what the API has room for, whatever images others have set', () => {
  const image = 'i'.repeat(3000);
  const stored = storedCause({ reason: 'ImageConflict', image, wanted: image, text: 't'.repeat(3000) });
  expect(stored).toEqual({
    reason: 'ImageConflict',
    image: 'i'.repeat(1024),
    wanted: 'i'.repeat(1024),
    detail: 't'.repeat(512),
  });
  expect(storedCause({ reason: 'Aborted' })).toEqual({ reason: 'Aborted' });
});
