/** The command `postcheck-health`: options, output and exit codes. */
import { parseArgs } from 'node:util';
import { askHealth } from './client.ts';
import { type HealthReply, healthCode, healthCodeTexts } from './health-codes.ts';
import { checkHeartbeat, consumeHeartbeat } from './heartbeat-check.ts';

export const helpText = `postcheck-health: asks the application in this container whether it is healthy

  postcheck-health [--socket PATH] [--timeout-seconds 2]
      asks over the application's health socket; @NAME is an abstract socket (Linux)
  postcheck-health --heartbeat FILE [--max-age-seconds 30]
      looks at the age of the application's last heartbeat, and changes nothing
  postcheck-health --heartbeat FILE --consume
      removes the heartbeat, as "rm FILE" would: for exactly one asker

Without options: $POSTCHECK_HEALTH_SOCKET, or /run/postcheck/health.sock. One line on stderr says why.

Exit codes (3-99 are the application's own):
${Object.entries(healthCode)
  .map(([name, code]) => `  ${String(code).padStart(3)}  ${healthCodeTexts[name as keyof typeof healthCode]}`)
  .join('\n')}
`;

const options = {
  socket: { type: 'string' },
  'timeout-seconds': { type: 'string' },
  heartbeat: { type: 'string' },
  'max-age-seconds': { type: 'string' },
  consume: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** Runs the command with its arguments and environment. Returns its result, or `help`. Never rejects. */
export async function runHealthCommand(
  args: string[],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<HealthReply | 'help'> {
  try {
    const { values } = parseArgs({ args, options });
    if (values.help) {
      return 'help';
    }
    if (values.heartbeat === undefined) {
      refuseTogether(values, 'socket', ['max-age-seconds', 'consume']);
      const socket = values.socket ?? environment.POSTCHECK_HEALTH_SOCKET ?? '/run/postcheck/health.sock';
      return await askHealth(socket, durationMs('timeout-seconds', values['timeout-seconds'] ?? '2'));
    }
    refuseTogether(
      values,
      'heartbeat',
      values.consume ? ['socket', 'timeout-seconds', 'max-age-seconds'] : ['socket', 'timeout-seconds'],
    );
    return values.consume
      ? consumeHeartbeat(values.heartbeat)
      : checkHeartbeat(values.heartbeat, durationMs('max-age-seconds', values['max-age-seconds'] ?? '30'));
  } catch (error) {
    return { code: healthCode.usage, message: `${(error as Error).message} (see --help)` };
  }
}

function refuseTogether(values: object, kind: string, others: string[]): void {
  const other = others.find((name) => name in values);
  if (other !== undefined) {
    throw new Error(`--${other} cannot be combined with this ${kind} check`);
  }
}

function durationMs(option: string, text: string): number {
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(seconds > 0 && seconds <= 86_400)) {
    throw new Error(`--${option} ${text}: not a number of seconds between 0 and 86400`);
  }
  return seconds * 1000;
}
