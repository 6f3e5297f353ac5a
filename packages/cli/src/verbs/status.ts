/** `status`: waits until the attempt has ended, with a line for each change; the exit code is the outcome. */
import type { Upgrade } from '../../../../src/api/types.ts';
import type { Cluster } from '../cluster.ts';
import { EXIT, Fault } from '../fault.ts';
import type { Io } from '../io.ts';
import { phaseLook, SYMBOLS } from '../looks.ts';
import { asYaml, checkFormat, forMachine, tidy } from '../output.ts';
import { painted } from '../paint.ts';
import { clockTime, plain } from '../text.ts';
import { troubleNotes } from '../trouble.ts';
import {
  conditionOf,
  decided,
  lookOf,
  phaseOf,
  phaseText,
  unseen,
  waitsForPerson,
  waitsForPods,
} from '../upgrade-state.ts';
import { findUpgrade, followUpgrade } from '../upgrades.ts';

export interface StatusOptions {
  readonly watch?: boolean;
  /** In milliseconds; 0 waits forever. */
  readonly timeout?: number;
  readonly output?: string;
}

/** Formats the phase, the pods that passed, and the message. The outcome of what was wanted before must not look like that of what is wanted now. */
export function line(io: Io, upgrade: Upgrade): string {
  const waiting = unseen(upgrade);
  const [look, phase] =
    waiting === undefined ? [lookOf(upgrade), phaseText(upgrade)] : [phaseLook('Pending'), 'Pending'];
  const summary = waiting === undefined && upgrade.status?.summary ? `  ${upgrade.status.summary}` : '';
  return `${painted(io, look, `${SYMBOLS[look]} ${phase}`)}${summary}  ${waiting ?? plain(upgrade.status?.message ?? '')}`;
}

export async function status(
  io: Io,
  cluster: Cluster,
  name: string,
  options: StatusOptions,
): Promise<number> {
  checkFormat(options.output, ['json', 'yaml']);
  const first = await findUpgrade(cluster, name);
  if (options.watch === false) {
    if (!forMachine(io, options.output, tidy(first.raw))) {
      io.out(line(io, first.upgrade));
    }
    return decided(first.upgrade) ?? EXIT.undecided;
  }
  return await waitUntilDecided(io, cluster, first.upgrade, {
    timeoutMs: options.timeout ?? 0,
    output: options.output,
  });
}

export interface Waiting {
  readonly timeoutMs: number;
  /** `json` or `yaml`: each change for programs. */
  readonly output?: string | undefined;
}

/** Watches the Upgrade until its attempt has ended. Returns its exit code, or that of a timeout. */
export async function waitUntilDecided(
  io: Io,
  cluster: Cluster,
  upgrade: Upgrade,
  { timeoutMs, output }: Waiting,
): Promise<number> {
  let lastLine = '';
  let lastRequest: string | undefined;
  const look = (now: Upgrade | undefined): number | undefined => {
    if (!now) {
      throw new Fault(`Upgrade ${upgrade.metadata.name} was deleted`);
    }
    const text = line(io, now);
    if (text !== lastLine) {
      lastLine = text;
      io.out(changeText(now, io.now(), output) ?? `${io.paint('gray', clockTime(io.now()))}  ${text}`);
    }
    const answer = decided(now);
    const request = answer === undefined ? waitText(now, timeoutMs) : undefined;
    if (request !== undefined && request !== lastRequest) {
      io.note(request);
    }
    lastRequest = request;
    return answer;
  };
  const already = look(upgrade);
  if (already !== undefined) {
    return already;
  }
  let fault: Fault | undefined;
  const verdict = await followUpgrade(cluster, io, upgrade, {
    deadlineMs: timeoutMs,
    look: (now) => {
      try {
        return look(now);
      } catch (error) {
        fault = error as Fault;
        return EXIT.fault;
      }
    },
    trouble: troubleNotes(io),
  });
  if (fault) {
    throw fault;
  }
  if (verdict === undefined && !io.signal.aborted) {
    io.note(`the attempt has not ended within ${timeoutMs / 1000} s`);
  }
  return verdict ?? (io.signal.aborted ? EXIT.interrupted : EXIT.undecided);
}

/** Returns what the attempt waits for, if it may take any time. */
function waitText(upgrade: Upgrade, timeoutMs: number): string | undefined {
  const limit = timeoutMs > 0 ? '' : '; --timeout limits the wait';
  const person = waitsForPerson(upgrade);
  if (person !== undefined) {
    return `waiting until somebody acts${limit}: ${person}`;
  }
  const pods = waitsForPods(upgrade);
  return pods && `waiting until ${pods}${limit}`;
}

/** A change for programs: a line of JSON, or a document of YAML. */
function changeText(upgrade: Upgrade, now: number, output: string | undefined): string | undefined {
  const change = {
    time: new Date(now).toISOString(),
    namespace: upgrade.metadata.namespace,
    name: upgrade.metadata.name,
    phase: phaseOf(upgrade),
    // As the condition says: True also after a version has failed.
    stalled: conditionOf(upgrade, 'Stalled')?.status === 'True',
    decided: decided(upgrade) !== undefined,
    summary: upgrade.status?.summary ?? '',
    message: upgrade.status?.message ?? '',
  };
  if (output === 'yaml') {
    return `---\n${asYaml(change)}`;
  }
  return output === 'json' ? JSON.stringify(change) : undefined;
}
