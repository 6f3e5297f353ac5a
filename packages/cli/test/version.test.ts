import { expect, test } from '@jest/globals';
import type { Cluster } from '../src/cluster.ts';
import { EXIT, Fault } from '../src/fault.ts';
import { version } from '../src/verbs/version.ts';
import { fakeIo } from './io.ts';

const cluster = {
  read: async () => ({ gitVersion: 'v1.36.3' }),
  list: async () => [],
  close: () => {},
} as unknown as Cluster;
const open = async (): Promise<Cluster> => cluster;
const unreachable = (): Promise<Cluster> => Promise.reject(new Fault('cannot reach the API server'));

test.each([
  ['that of the API server', open, {}, EXIT.ok, /server: v1\.36\.3$/],
  ['why it is not known', unreachable, {}, EXIT.fault, /server: cannot reach the API server$/],
  [
    'only its own if nothing else is requested',
    unreachable,
    { client: true },
    EXIT.ok,
    /^client: 0.1.0\nnode: \S+$/,
  ],
])('version prints %s', async (_, opened, options, code, printed) => {
  const io = fakeIo();
  expect(await version(io, '0.1.0', opened, options)).toBe(code);
  expect(io.lines.join('\n')).toMatch(printed);
});
