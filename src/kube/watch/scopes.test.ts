import { expect, test } from '@jest/globals';
import type { WatchEvent } from '../../engine/ports.ts';
import { mergeScopes } from './scopes.ts';

interface Thing {
  readonly namespace: string;
  readonly name: string;
}
const thing = (namespace: string, name: string): Thing => ({ namespace, name });
const synced = (...items: Thing[]): WatchEvent<Thing> => ({ type: 'synced', items, resourceVersion: '1' });

function merged(scopes: number): { sinks: ((event: WatchEvent<Thing>) => void)[]; told: string[] } {
  const told: string[] = [];
  const sinks = mergeScopes<Thing>(
    scopes,
    ({ namespace, name }) => `${namespace}/${name}`,
    (event) =>
      told.push(
        event.type === 'synced'
          ? `synced ${event.items.map(({ name }) => name).join(' ')}`
          : `${event.type} ${event.object.name}`,
      ),
  );
  return { sinks, told };
}

test('nothing is delivered until every namespace has been listed, then everything at once', () => {
  const { sinks, told } = merged(2);
  sinks[0]?.(synced(thing('a', 'one')));
  sinks[0]?.({ type: 'upsert', object: thing('a', 'two') });
  sinks[0]?.({ type: 'delete', object: thing('a', 'one') });
  expect(told).toEqual([]);
  sinks[1]?.(synced(thing('b', 'three')));
  expect(told).toEqual(['synced two three']);
});

test('listing one namespace again keeps the others', () => {
  const { sinks, told } = merged(2);
  sinks[0]?.(synced(thing('a', 'one')));
  sinks[1]?.(synced(thing('b', 'two')));
  sinks[1]?.({ type: 'upsert', object: thing('b', 'three') });
  sinks[0]?.(synced());
  expect(told).toEqual(['synced one two', 'upsert three', 'synced two three']);
});
