import { expect, test } from '@jest/globals';
import { drain } from '../../test/sim/clock.ts';
import type { Upgrade, UpgradeStatus } from '../api/types.ts';
import type { PodView, WorkloadView } from '../api/views.ts';
import { fairReader, fairWriter } from './fair-requests.ts';
import { MAX_EVENTS, MAX_READS, MAX_STEP_WRITES, MAX_WRITES, type Reader, type Writer } from './ports.ts';

interface Sent {
  readonly method: string;
  readonly namespace: string;
  readonly end: () => void;
}

/** Every method is a request about its first argument, or the namespace that this is, and takes until it is ended. */
function endless() {
  const sent: Sent[] = [];
  const port = new Proxy(
    {},
    {
      get:
        (_, method: string) =>
        (
          about: string | { readonly namespace?: string; readonly metadata?: { readonly namespace: string } },
        ) => {
          const namespace =
            typeof about === 'string' ? about : (about.namespace ?? about.metadata?.namespace ?? '');
          return new Promise<void>((end) => sent.push({ method, namespace, end }));
        },
    },
  );
  return { sent, reader: fairReader(port as Reader), writer: fairWriter(port as Writer) };
}

const in_ = (namespace: string) => ({
  upgrade: { metadata: { namespace, name: 'web' } } as Upgrade,
  workload: { namespace, name: 'web' } as WorkloadView,
  pod: { namespace, name: 'web-0', owner: { name: 'web' } } as PodView,
});
const HOSTILE = in_('hostile');
const SHOP = in_('shop');
const STATUS: UpgradeStatus = {};
const RESULT = { status: 'True', reason: 'Passed', message: '' } as const;
type About = typeof SHOP;

const eventObject = ({ namespace, name }: WorkloadView) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  namespace,
  name,
  uid: 'u',
});
const NOTE = { type: 'Normal', reason: 'StageStarted', note: '', action: 'Rolling' } as const;

const WRITES: readonly [
  method: keyof Writer,
  write: (writer: Writer, about: About) => Promise<unknown>,
  limit?: number,
][] = [
  ['patchStatus', (writer, { upgrade }) => writer.patchStatus(upgrade, STATUS)],
  ['patchFinalizers', (writer, { upgrade }) => writer.patchFinalizers(upgrade, [])],
  ['patchImages', (writer, { workload }) => writer.patchImages(workload, {})],
  ['releaseFields', (writer, { workload }) => writer.releaseFields(workload)],
  ['patchVerified', (writer, { pod }) => writer.patchVerified(pod, RESULT, 0)],
  ['deletePod', (writer, { pod }) => writer.deletePod(pod)],
  ['recordEvent', (writer, { workload }) => writer.recordEvent(eventObject(workload), NOTE), MAX_EVENTS],
];
const READS: readonly [keyof Reader, (reader: Reader, about: About) => Promise<unknown>][] = [
  ['getPod', (reader, { pod }) => reader.getPod(pod.namespace, pod.name)],
  ['listUpgrades', (reader, { pod }) => reader.listUpgrades(pod.namespace)],
  ['failedCreate', (reader, { workload }) => reader.failedCreate(workload)],
  ['failedStart', (reader, { pod }) => reader.failedStart(pod)],
];

test.each(WRITES)(
  '%s is sent at once although writes for another tenant never end',
  async (method, write, limit = MAX_WRITES) => {
    const { sent, writer } = endless();
    for (let i = 0; i < 10 * limit; i++) {
      void write(writer, HOSTILE);
    }
    await drain();
    const others = sent.length;
    void write(writer, SHOP);
    await drain();
    expect(others).toBeLessThan(limit);
    expect(sent.slice(others)).toMatchObject([{ method, namespace: 'shop' }]);
  },
);

test.each(READS)('%s is sent at once although reads for another tenant never end', async (method, read) => {
  const { sent, reader } = endless();
  for (let i = 0; i < 10 * MAX_READS; i++) {
    void read(reader, HOSTILE);
  }
  await drain();
  const others = sent.length;
  void read(reader, SHOP);
  await drain();
  expect(others).toBeLessThan(MAX_READS);
  expect(sent.slice(others)).toMatchObject([{ method, namespace: 'shop' }]);
});

test('one Upgrade writes eight pods at once, and events do not wait for writes', async () => {
  const { sent, writer } = endless();
  for (let i = 0; i < MAX_WRITES; i++) {
    void writer.deletePod(SHOP.pod);
  }
  await drain();
  expect(sent).toHaveLength(8);
  void writer.recordEvent(eventObject(SHOP.workload), NOTE);
  await drain();
  expect(sent.at(-1)).toMatchObject({ method: 'recordEvent' });
});

test('a new phase and images do not wait for writes about pods and progress, of any number of tenants', async () => {
  const { sent, writer } = endless();
  const tenants = Array.from({ length: 10 * MAX_WRITES }, (_, i) => in_(`tenant-${i}`));
  for (const { pod, upgrade } of tenants) {
    void writer.patchVerified(pod, RESULT, 0);
    void writer.patchStatus(upgrade, STATUS);
  }
  await drain();
  const others = sent.length;
  void writer.patchStatus(SHOP.upgrade, { phase: 'Upgrading' });
  void writer.patchImages(SHOP.workload, {});
  await drain();
  expect(others).toBe(MAX_WRITES);
  expect(sent.slice(others)).toMatchObject([{ method: 'patchStatus' }, { method: 'patchImages' }]);
});

test('the two writes that begin a fallback wait for no step of others, of any number of tenants', async () => {
  const { sent, writer } = endless();
  const tenants = Array.from({ length: 10 * MAX_STEP_WRITES }, (_, i) => in_(`tenant-${i}`));
  for (const { upgrade, workload } of tenants) {
    void writer.patchStatus(upgrade, { phase: 'Upgrading' });
    void writer.patchImages(workload, {});
  }
  await drain();
  const others = sent.length;
  void writer.patchStatus(SHOP.upgrade, { phase: 'FallingBack' });
  void writer.patchImages(SHOP.workload, {}, undefined, 'fallback');
  await drain();
  expect(others).toBe(MAX_STEP_WRITES);
  expect(sent.slice(others)).toMatchObject([{ method: 'patchStatus' }, { method: 'patchImages' }]);
});
