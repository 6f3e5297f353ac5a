/** What commands that keep reading do while the API server does not respond: note it once, and go on. */
import { Unreachable } from './fault.ts';
import type { Io } from './io.ts';
import type { Screen } from './screen.ts';

/** Is given why reads fail, or nothing when they succeed. */
export type TroubleNote = (why: string | undefined) => void;

/** Shows on the screen why reads fail; without one, notes once that they do, for each reason, and once that they succeed again. */
export function troubleNotes(io: Pick<Io, 'note'>, screen?: Pick<Screen, 'setNote'>): TroubleNote {
  if (screen) {
    return (why) => screen.setNote(why ?? '');
  }
  let noted: string | undefined;
  return (why) => {
    if (why !== noted) {
      noted = why;
      io.note(why === undefined ? 'reconnected' : `connection lost, retrying: ${why}`);
    }
  };
}

/** Returns what was read, or nothing while the API server does not respond; any other failure ends the command. */
export async function readAgain<T>(read: () => Promise<T>, note: TroubleNote): Promise<T | undefined> {
  try {
    const value = await read();
    note(undefined);
    return value;
  } catch (error) {
    if (!(error instanceof Unreachable)) {
      throw error;
    }
    note(error.message);
    return undefined;
  }
}
