import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { record } from '../client/json.ts';
import { mergePatch } from './merge-patch.ts';

/** RFC 7396, section 2. */
function apply(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) {
    return patch;
  }
  const result = new Map(Object.entries(record(target)));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) {
      result.delete(key);
    } else {
      result.set(key, apply(result.get(key), value));
    }
  }
  return Object.fromEntries(result);
}

test('removed fields are null, equal ones are left out, arrays are replaced whole', () => {
  const before = { phase: 'Upgrading', counts: { ready: 1, failed: 1 }, pods: [1, 2], same: { a: [1] } };
  const after = { phase: 'Succeeded', counts: { ready: 2 }, pods: [2], same: { a: [1] } };
  expect(mergePatch(before, after)).toEqual({
    phase: 'Succeeded',
    counts: { ready: 2, failed: null },
    pods: [2],
  });
});

test('a first status is sent whole, and undefined counts as removed', () => {
  expect(mergePatch(undefined, { phase: 'Pending', message: undefined })).toEqual({ phase: 'Pending' });
  expect(mergePatch({ message: 'x' }, { message: undefined })).toEqual({ message: null });
});

test('for any two statuses the patch turns the one into the other', () => {
  const leaf = fc.oneof(fc.integer(), fc.string(), fc.boolean(), fc.array(fc.integer(), { maxLength: 3 }));
  const key = fc.constantFrom('a', 'b', 'constructor', '__proto__', 'valueOf');
  const { tree } = fc.letrec((tie) => ({
    tree: fc.dictionary(key, fc.oneof({ maxDepth: 3 }, leaf, tie('tree')), { noNullPrototype: true }),
  }));
  fc.assert(
    fc.property(tree, tree, (before, after) =>
      expect(apply(before, mergePatch(before, after))).toEqual(after),
    ),
  );
});

test('a key that every object inherits is added and removed as any other', () => {
  const images = JSON.parse('{"constructor": "a:1", "__proto__": "b:1"}');
  expect(JSON.stringify(mergePatch({ images: {} }, { images }))).toBe(JSON.stringify({ images }));
  expect(JSON.stringify(mergePatch({ images }, { images: {} }))).toBe(
    '{"images":{"constructor":null,"__proto__":null}}',
  );
});
