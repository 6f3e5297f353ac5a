import { describe, expect, test } from '@jest/globals';
import { FLAGS, HELP, readCommand } from './options.ts';

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
        metricsAddress: { port: 8080 },
        healthAddress: { port: 8081 },
        metricsMaxUpgrades: 1000,
        logFormat: 'json',
      },
    });
  });

  test('accepts what the chart passes', () => {
    const command = run(
      '--watch-namespaces=a,b',
      '--max-execs=3',
      '--max-execs-per-node=2',
      '--metrics-max-upgrades=7',
      '--metrics-bind-address=:9090',
      '--health-probe-bind-address=:9091',
      '--leader-elect=false',
      '--otlp-endpoint=http://collector:4318',
    );
    expect(command).toMatchObject({
      options: {
        watchNamespaces: ['a', 'b'],
        maxExecs: 3,
        maxExecsPerNode: 2,
        metricsMaxUpgrades: 7,
        metricsAddress: { port: 9090 },
        healthAddress: { port: 9091 },
        leaderElect: false,
        otlpEndpoint: 'http://collector:4318',
      },
    });
  });

  test('a webhook needs certificates: its own, with a name and a Secret, or those of a folder', () => {
    const at = '--webhook-bind-address=:9443';
    expect(run()).toMatchObject({ options: { webhook: undefined, webhookSecret: undefined } });
    expect(run(at, '--webhook-host=a.b.svc,10.0.0.1', '--webhook-secret=s')).toMatchObject({
      options: {
        webhook: { address: { port: 9443 }, hosts: ['a.b.svc', '10.0.0.1'], certPath: undefined },
        webhookSecret: 's',
      },
    });
    expect(run(at, '--webhook-cert-path=/certs')).toMatchObject({
      options: { webhook: { certPath: '/certs' } },
    });
    expect(run(at, '--webhook-host=a.b.svc')).toEqual({
      name: 'wrong',
      mistakes: ['--webhook-bind-address needs --webhook-host and --webhook-secret, or --webhook-cert-path'],
    });
  });

  test('reports all mistakes together', () => {
    const command = run(
      'serve',
      '--max-execs=0',
      '--log-level=loud',
      '--leader-elect=maybe',
      '--otlp-endpoint=collector:4318',
    );
    expect(command).toEqual({
      name: 'wrong',
      mistakes: [
        '--max-execs must be a whole number from 1 to 1000, not 0',
        '--leader-elect must be one of true, false, not maybe',
        '--log-level must be one of debug, info, warn, error, not loud',
        '--otlp-endpoint must be a URL such as http://collector:4318, not collector:4318',
        'unknown command serve: use run or uninstall',
      ],
    });
  });

  test.each([
    [['--dry-run'], 'unknown flag --dry-run'],
    [['--metrics-address=:1'], 'unknown flag --metrics-address: did you mean --metrics-bind-address?'],
    [['unistall'], 'unknown command unistall: did you mean uninstall?'],
    [['run', '--leader-elect', 'false'], 'unexpected argument false: write values as --flag=value'],
    [
      ['--health-probe-bind-address=8081'],
      '--health-probe-bind-address must have the form :8080 or 127.0.0.1:8080, or be 0, not 8081',
    ],
    [
      ['--metrics-secure'],
      '--metrics-secure needs --metrics-cert-path, the directory with tls.crt and tls.key',
    ],
    [['--metrics-cert-path=/x'], '--metrics-cert-path needs --metrics-secure'],
    [['--max-execs='], '--max-execs must be a whole number from 1 to 1000, not empty'],
    [['--max-execs=1e2'], '--max-execs must be a whole number from 1 to 1000, not 1e2'],
  ])('refuses %j', (args, mistake) => {
    expect(run(...args)).toEqual({ name: 'wrong', mistakes: [mistake] });
  });

  test('takes the flags that kubebuilder gives its operators, and 0 for nobody is answered', () => {
    expect(
      run('--leader-elect', '--metrics-bind-address=0', '--health-probe-bind-address', ':8081'),
    ).toMatchObject({
      options: { leaderElect: true, metricsAddress: undefined, healthAddress: { port: 8081 } },
    });
  });

  test('requires what to uninstall', () => {
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
    expect(run('--version')).toEqual({ name: 'version' });
  });

  test('the help names every flag', () => {
    expect(Object.keys(FLAGS).filter((name) => !HELP.includes(`--${name} `))).toEqual([]);
    // Between a flag and what it is for there is room, however long the flag is.
    expect(Object.values(FLAGS).filter(({ help }) => !HELP.includes(`  ${help}`))).toEqual([]);
  });
});
