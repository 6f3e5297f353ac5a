/**
 * Distributes reads and writes fairly before they wait for a connection, where the first one would come first: requests about one tenant's objects
 * may take long, as with its own slow webhook or with its thousands of events, and must not hold up those about another's.
 */
import type { Phase } from '../api/types.ts';
import { FairSemaphore } from './fair-semaphore.ts';
import {
  MAX_EVENTS,
  MAX_FALLBACK_WRITES,
  MAX_READS,
  MAX_STEP_WRITES,
  MAX_WRITES,
  type Reader,
  type Writer,
} from './ports.ts';

/** What a request is about; the requests of one Upgrade have the same name. */
interface About {
  readonly namespace: string;
  readonly name: string;
}

type InTurn = <T>({ namespace, name }: About, send: () => Promise<T>) => Promise<T>;

/** At most so many requests at once. */
function turnsOf(limit: number): InTurn {
  const semaphore = new FairSemaphore(limit, limit);
  return ({ namespace, name }, send) => semaphore.run({ namespace, upgrade: name, node: '' }, send);
}

/** Pods are written for the Upgrade of their owner. */
const ownerOf = ({ namespace, owner }: { namespace: string; owner: { name: string } }): About => ({
  namespace,
  name: owner.name,
});

/**
 * The writer, with fair turns. What an attempt writes few times, a new phase and images, does not wait for what it writes for each pod or every
 * few seconds; the two of these that begin a fallback wait for no other attempt's. Events have connections of their own.
 */
export function fairWriter(writer: Writer): Writer {
  const inTurn = turnsOf(MAX_WRITES);
  const inShortTurn = turnsOf(MAX_STEP_WRITES);
  const inFallbackTurn = turnsOf(MAX_FALLBACK_WRITES);
  const inEventTurn = turnsOf(MAX_EVENTS);
  const turnOf = (before: Phase | undefined, phase: Phase | undefined): InTurn => {
    if (before === phase) {
      return inTurn;
    }
    return phase === 'FallingBack' ? inFallbackTurn : inShortTurn;
  };
  return {
    patchStatus: (upgrade, status) => {
      const turn = turnOf(upgrade.status?.phase, status.phase);
      return turn(upgrade.metadata, () => writer.patchStatus(upgrade, status));
    },
    patchFinalizers: (upgrade, finalizers) =>
      inTurn(upgrade.metadata, () => writer.patchFinalizers(upgrade, finalizers)),
    patchImages: (workload, images, partition, purpose) => {
      const turn = purpose === 'fallback' ? inFallbackTurn : inShortTurn;
      return turn(workload, () => writer.patchImages(workload, images, partition));
    },
    releaseFields: (workload) => inTurn(workload, () => writer.releaseFields(workload)),
    patchVerified: (pod, condition, at) =>
      inTurn(ownerOf(pod), () => writer.patchVerified(pod, condition, at)),
    deletePod: (pod) => inTurn(ownerOf(pod), () => writer.deletePod(pod)),
    recordEvent: (regarding, event) => inEventTurn(regarding, () => writer.recordEvent(regarding, event)),
  };
}

/** The reader, with fair turns. */
export function fairReader(reader: Reader): Reader {
  const inTurn = turnsOf(MAX_READS);
  return {
    getPod: (namespace, name) => inTurn({ namespace, name }, () => reader.getPod(namespace, name)),
    listUpgrades: (namespace) => inTurn({ namespace, name: '' }, () => reader.listUpgrades(namespace)),
    failedCreate: (workload) => inTurn(workload, () => reader.failedCreate(workload)),
    failedStart: (pod) => inTurn(ownerOf(pod), () => reader.failedStart(pod)),
  };
}
