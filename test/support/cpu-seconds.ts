/** What a process has used of the processor, by Linux. */
import { readFileSync } from 'node:fs';

/** Clock ticks a second, as Linux tells them to programs. */
const TICKS = 100;

/** What a process has taken so far, of all cores. */
export function cpuSecondsOf(pid: number): number {
  const [, rest = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
  const fields = rest.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}
