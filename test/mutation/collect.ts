/** What test files import as `@jest/globals` here: collects their tests, so that each can be run again and again in one process. */
import { expect } from 'expect';

type Body = () => unknown;

export interface Collected {
  readonly name: string;
  run(): Promise<void>;
}

interface Block {
  readonly name: string;
  readonly before: Body[];
  readonly after: Body[];
}

let blocks: Block[] = [];
let collected: Collected[] = [];

/** Returns the tests of a file that `load` imports. */
export async function collect(load: () => Promise<unknown>): Promise<readonly Collected[]> {
  blocks = [{ name: '', before: [], after: [] }];
  collected = [];
  await load();
  return collected;
}

/** As jest does: each row of a table that is a list becomes the arguments. */
const eachOf =
  (define: (name: string, body: (...row: unknown[]) => unknown) => void) =>
  (table: readonly unknown[]) =>
  (name: string, body: (...row: unknown[]) => unknown): void => {
    for (const [index, row] of table.entries()) {
      define(`${name} (${index})`, () => body(...(Array.isArray(row) ? row : [row])));
    }
  };

function defineTest(name: string, body: Body): void {
  const around = [...blocks];
  collected.push({
    name: [...around.map((block) => block.name), name].join(' ').trim(),
    async run() {
      try {
        for (const before of around.flatMap((block) => block.before)) {
          await before();
        }
        await body();
      } finally {
        for (const after of around.flatMap((block) => block.after)) {
          await after();
        }
      }
    },
  });
}

function defineBlock(name: string, body: Body): void {
  blocks.push({ name, before: [], after: [] });
  body();
  blocks.pop();
}

export const test = Object.assign(defineTest, { each: eachOf(defineTest) });
export const describe = Object.assign(defineBlock, { each: eachOf(defineBlock) });
export const beforeEach = (body: Body): void => void blocks.at(-1)?.before.push(body);
export const afterEach = (body: Body): void => void blocks.at(-1)?.after.push(body);
export const jest = { setTimeout: (): void => undefined };
export { expect };
