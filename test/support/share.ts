/** How much of what is played systematically runs with all tests: a part, the same each time. With SWEEPS=whole, as in `make nightly`, all of it. */
import { env } from 'node:process';

export const isWhole = env['SWEEPS'] === 'whole';

/** How many parts a sweep has. */
export const PARTS = 8;

/** Multiples of it are spread evenly, and no loop of up to ten inside a list has its period in rows of eight. */
const STEP = (9 * (Math.sqrt(5) - 1)) / 2;

/**
 * One of every eight in a row, which of the eight differs from row to row: no loop inside the list is always played at the same place. Different offsets
 * leave out different ones. Of each kind there is at least one.
 */
export function partOf<T>(list: readonly T[], offset: number, kindOf: (item: T) => string): readonly T[] {
  const isInTurn = (index: number) => {
    const row = Math.floor(index / PARTS);
    return index % PARTS === (Math.floor(row * PARTS * STEP) + offset) % PARTS;
  };
  const kinds = new Set(list.filter((_, index) => isInTurn(index)).map(kindOf));
  return list.filter((item, index) => {
    const isNew = !kinds.has(kindOf(item));
    kinds.add(kindOf(item));
    return isNew || isInTurn(index);
  });
}

/** What is played of a sweep; `name` decides which part. */
export const shareOf = <T>(list: readonly T[], name: string, kindOf: (item: T) => string): readonly T[] =>
  isWhole
    ? list
    : partOf(
        list,
        Buffer.from(name).reduce((sum, byte) => sum + byte, 0),
        kindOf,
      );
