import { describe, expect, test } from '@jest/globals';
import { readCommand } from './options.ts';

const run = (...args: string[]) => readCommand(args, { KUBECONFIG: '/k', POD_NAMESPACE: 'postcheck-system' });

describe('the command line', () => {
  test('needs no word at all: the defaults run the operator', () => {
    expect(run()).toMatchObject({
      name: 'run',
      options: {
        kubeconfig: '/k',
        watchNamespaces: [],
        maxExecs: 16,
        maxExecsPerNode: 4,
        leaderElect: true,
        leaseNamespace: 'postcheck-system',
      },
    });
  });

  test('takes what the chart passes', () => {
    const command = run(
      '--watch-namespaces=a,b',
      '--max-execs=3',
      '--max-execs-per-node=2',
      '--metrics-per-upgrade',
      '--leader-elect=false',
    );
    expect(command).toMatchObject({
      options: {
        watchNamespaces: ['a', 'b'],
        maxExecs: 3,
        maxExecsPerNode: 2,
        metricsPerUpgrade: true,
        leaderElect: false,
      },
    });
  });

  test('tells all mistakes together', () => {
    const command = run('serve', '--max-execs=0', '--log-level=loud', '--leader-elect=maybe');
    expect(command).toEqual({
      name: 'wrong',
      mistakes: [
        '--max-execs must be a whole number from 1 to 1000, not 0',
        '--leader-elect must be one of true, false, not maybe',
        '--log-level must be one of debug, info, warn, error, not loud',
        'unknown command serve: use run or uninstall',
      ],
    });
  });

  test('refuses a flag that it does not know', () => {
    expect(run('--dry-run')).toMatchObject({
      name: 'wrong',
      mistakes: [expect.stringContaining('--dry-run')],
    });
  });

  test('wants to know whom to uninstall', () => {
    expect(run('uninstall')).toMatchObject({
      name: 'wrong',
      mistakes: ['uninstall needs --deployment and --namespace of the operator'],
    });
    expect(run('uninstall', '--deployment=postcheck', '--namespace=x')).toMatchObject({
      name: 'uninstall',
      uninstall: { deployment: 'postcheck', namespace: 'x' },
    });
  });

  test('helps', () => {
    expect(run('--help', '--max-execs=0')).toEqual({ name: 'help' });
  });
});
