import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Indexer } from './indexer.ts';

interface Thing {
  readonly name: string;
  readonly version: string;
  readonly owner: string;
}
const thing = (name: string, version: number, owner = 'a'): Thing => ({
  name,
  version: String(version),
  owner,
});
function tableOf(...items: Thing[]): Indexer<Thing, 'owner'> {
  const table = new Indexer<Thing, 'owner'>({
    key: ({ name }) => name,
    version: ({ version }) => version,
    indexes: { owner: ({ owner }) => owner },
  });
  table.apply({ type: 'synced', items, resourceVersion: '10' });
  return table;
}

describe('an event of the watch', () => {
  test('replaces the cached object, in the index too', () => {
    const table = tableOf(thing('x', 5));
    expect(table.apply({ type: 'upsert', object: thing('x', 11, 'b') })).toEqual([
      thing('x', 5),
      thing('x', 11, 'b'),
    ]);
    expect(table.byIndex('owner', 'a')).toEqual([]);
    expect(table.byIndex('owner', 'b')).toEqual([thing('x', 11, 'b')]);
  });

  test('does not replace a newer write of ours', () => {
    const table = tableOf(thing('x', 5));
    table.applyWrite(thing('x', 20));
    expect(table.apply({ type: 'upsert', object: thing('x', 15) })).toEqual([]);
    expect(table.get('x')?.version).toBe('20');
    table.apply({ type: 'upsert', object: thing('x', 21) });
    expect(table.get('x')?.version).toBe('21');
  });

  test('removes a deleted object, and returns what it touched', () => {
    const table = tableOf(thing('x', 5), thing('y', 6));
    expect(table.apply({ type: 'delete', object: thing('x', 12) })).toEqual([thing('x', 5), thing('x', 12)]);
    expect([...table.all()]).toEqual([thing('y', 6)]);
  });

  test('replaces everything with a new list', () => {
    const table = tableOf(thing('x', 5));
    expect(table.synced).toBe(true);
    expect(table.apply({ type: 'synced', items: [thing('y', 30)], resourceVersion: '30' })).toEqual([
      thing('x', 5),
      thing('y', 30),
    ]);
    expect(table.get('x')).toBeUndefined();
  });
});

describe('a new list', () => {
  test('touches only what has changed, come or gone', () => {
    const table = tableOf(thing('same', 5), thing('changed', 6), thing('gone', 7));
    const same = table.get('same');
    const items = [thing('same', 5), thing('changed', 31), thing('new', 32)];
    expect(table.apply({ type: 'synced', items, resourceVersion: '33' })).toEqual([
      thing('gone', 7),
      thing('changed', 6),
      thing('changed', 31),
      thing('new', 32),
    ]);
    expect(table.get('same')).toBe(same);
    expect([...table.all()].map(({ name }) => name).sort()).toEqual(['changed', 'new', 'same']);
  });

  test('of a server that has gone back replaces everything: its versions may be other objects', () => {
    const table = tableOf(thing('x', 5, 'before'));
    const items = [thing('x', 5, 'restored')];
    expect(table.apply({ type: 'synced', items, resourceVersion: '9' })).toHaveLength(2);
    expect(table.get('x')?.owner).toBe('restored');
  });

  test('replaces what was only implied', () => {
    const table = tableOf(thing('x', 5));
    table.assume(thing('x', 5, 'going'));
    table.apply({ type: 'synced', items: [thing('x', 5)], resourceVersion: '30' });
    expect(table.get('x')?.owner).toBe('a');
  });
});

describe('the response to a write', () => {
  test('is used only if it is newer than the watch', () => {
    const table = tableOf(thing('x', 5));
    table.apply({ type: 'delete', object: thing('x', 12) });
    table.applyWrite(thing('x', 11));
    expect(table.get('x')).toBeUndefined();
    table.applyWrite(thing('x', 13));
    expect(table.get('x')?.version).toBe('13');
  });

  test('never replaces a newer object', () => {
    const table = tableOf(thing('x', 5));
    table.applyWrite(thing('x', 20));
    table.applyWrite(thing('x', 18));
    expect(table.get('x')?.version).toBe('20');
  });

  test('may imply something about the cached version, and about no other', () => {
    const table = tableOf(thing('x', 5));
    table.assume(thing('x', 5, 'going'));
    expect(table.get('x')?.owner).toBe('going');
    table.assume(thing('x', 4, 'wrong'));
    table.assume(thing('y', 4, 'wrong'));
    expect([...table.all()]).toEqual([thing('x', 5, 'going')]);
  });
});

test('the index matches the objects after any sequence of events', () => {
  const event = fc.record({
    name: fc.constantFrom('x', 'y', 'z'),
    version: fc.integer({ min: 1, max: 40 }),
    owner: fc.constantFrom('a', 'b'),
    how: fc.constantFrom('upsert', 'delete', 'applyWrite', 'assume'),
  });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 30 }), (events) => {
      const table = tableOf();
      for (const { how, name, version, owner } of events) {
        const object = thing(name, version, owner);
        if (how === 'applyWrite' || how === 'assume') {
          table[how](object);
        } else {
          table.apply({ type: how as 'upsert' | 'delete', object });
        }
      }
      const indexed = ['a', 'b'].flatMap((owner) =>
        table.byIndex('owner', owner).map(({ name }) => `${name} ${owner}`),
      );
      expect(indexed.sort()).toEqual([...table.all()].map(({ name, owner }) => `${name} ${owner}`).sort());
    }),
  );
});
