/** `codes`: shows what each exit code means, for one Upgrade or by default, or converts the registry of a hook to rules. */
import { effectiveChecks } from '../../../../src/api/checks.ts';
import type { Class } from '../../../../src/api/enums.ts';
import { isReason } from '../../../../src/api/reasons.ts';
import type { Check, Upgrade, UpgradeSpec } from '../../../../src/api/types.ts';
import { verdictText } from '../../../../src/core/report/verdict-text.ts';
import { covers, evaluateTry, type TryOutcome } from '../../../../src/core/verification/exit-codes.ts';
import { Fault } from '../fault.ts';
import type { Io } from '../io.ts';
import { plural } from '../looks.ts';
import { checkFormat, forMachine } from '../output.ts';
import { paintedClass } from '../paint.ts';
import { readText } from '../read.ts';
import { printRules, readRegistry } from '../registry.ts';
import { columns } from '../text.ts';

export interface CodesOptions {
  readonly output?: string;
  readonly registry?: string;
}

export interface Row {
  readonly codes: string;
  readonly class: Class;
  readonly reason: string;
  readonly message: string;
  readonly source: 'rule' | 'default';
  /** Pods whose last probe returned one of these codes. */
  readonly pods: number;
}

const KILLED = 'killed by the signal code - 128, such as 137 SIGKILL, 139 SIGSEGV, 143 SIGTERM';

/** Returns the effective table, evaluated code by code with the function that decides. */
export function tableOf(check: Check, upgrade?: Upgrade): Row[] {
  const rows: Row[] = [];
  // The script confirms its codes with its last line; without it, they are those of any command.
  const isScript = check.exec?.command[0]?.endsWith('/readiness_probe.sh') ?? false;
  for (let code = 0; code <= 255; code++) {
    const outcome: TryOutcome = {
      kind: 'exit',
      code,
      output: isScript ? `postcheck: stage=hook code=${code}\n` : '',
    };
    const verdict = evaluateTry(check, outcome, { inFallback: false, podReady: true });
    const rule = check.exitCodes.find((candidate) => covers(candidate, code));
    const row: Row = {
      codes: String(code),
      class: verdict.class,
      reason: verdict.reason,
      message: isReason(verdict.reason, 'ProbeKilled') ? KILLED : verdictText(verdict),
      source: rule ? 'rule' : 'default',
      pods: podsWith(check, code, upgrade),
    };
    const last = rows.at(-1);
    if (last && isSame(last, row)) {
      rows[rows.length - 1] = {
        ...last,
        codes: `${last.codes.split('-')[0]}-${code}`,
        pods: last.pods + row.pods,
      };
    } else {
      rows.push(row);
    }
  }
  return rows;
}

const isSame = (a: Row, b: Row): boolean =>
  a.class === b.class && a.reason === b.reason && a.message === b.message && a.source === b.source;

const podsWith = ({ name }: Check, code: number, upgrade: Upgrade | undefined): number =>
  (upgrade?.status?.exitCodes ?? [])
    .filter((entry) => entry.check === name && entry.code === code)
    .reduce((sum, { pods }) => sum + pods, 0);

/** An Upgrade without checks. */
const NO_CHECKS = { postCheck: {} } as UpgradeSpec;

/** Prints the tables of an Upgrade's checks that run a command; without an Upgrade, of the default script. */
export function codes(io: Io, upgrade: Upgrade | undefined, options: CodesOptions): number {
  checkFormat(options.output, ['json', 'yaml']);
  const checks = effectiveChecks(upgrade?.spec ?? NO_CHECKS);
  const tables = checks
    .filter(({ exec }) => exec)
    .map((check) => ({ check: check.name, codes: tableOf(check, upgrade) }));
  if (forMachine(io, options.output, tables)) {
    return 0;
  }
  if (tables.length === 0) {
    io.note('No check of this Upgrade runs a command, so there are no exit codes.');
  }
  for (const { check, codes: rows } of tables) {
    io.out(io.paint('bold', check));
    for (const line of columns([
      ['  CODES', 'CLASS', 'REASON', 'FROM', 'MEANING'],
      ...rows.map((row) => cells(io, row)),
    ])) {
      io.out(line);
    }
  }
  if (tables.length > 0) {
    io.out(
      '  The readiness script’s codes apply if its result line is the last line of the output; otherwise they are the command’s own. A command that is not in the image is CommandMissing.',
    );
  }
  return 0;
}

function cells(io: Io, row: Row): string[] {
  const seen = row.pods > 0 ? `   ← returned by ${plural(row.pods, 'pod')}` : '';
  return [`  ${row.codes}`, paintedClass(io, row.class), row.reason, row.source, `${row.message}${seen}`];
}

/** Prints a hook's registry as `exitCodes`, ready to paste. */
export async function registryRules(io: Io, path: string): Promise<number> {
  const text = path === '-' ? await io.input() : await readText(path);
  const registry = readRegistry(text);
  if ('mistakes' in registry) {
    throw new Fault(registry.mistakes.map((mistake) => `${path}: ${mistake}`).join('\n'));
  }
  io.write(printRules(registry.rules));
  return 0;
}
