/** Command line of the operator: parsed once, with all mistakes reported together. */
import { own } from './api/own.ts';
import { type Flag, type Given, nearest, readFlags } from './flags.ts';
import type { ListenAddress } from './telemetry/http.ts';
import { parseListenAddress } from './telemetry/http.ts';
import { LOG_FORMATS, LOG_LEVELS, type LogFormat, type LogLevel } from './telemetry/logger.ts';

export interface Options {
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  readonly watchNamespaces: readonly string[];
  readonly maxExecs: number;
  readonly maxExecsPerNode: number;
  /** `undefined`: not served. */
  readonly metricsAddress: ListenAddress | undefined;
  /** Folder of `tls.crt` and `tls.key`; with it metrics are served over TLS, and only to accounts that the API server authorizes. */
  readonly metricsCertPath: string | undefined;
  readonly metricsMaxUpgrades: number;
  readonly healthAddress: ListenAddress | undefined;
  readonly prometheusUrl: string | undefined;
  readonly prometheusTokenFile: string | undefined;
  readonly prometheusCaFile: string | undefined;
  readonly leaderElect: boolean;
  readonly leaseNamespace: string;
  readonly leaseName: string;
  readonly gatePolicyName: string;
  readonly webhook: WebhookOptions | undefined;
  /** Secret in the Lease's namespace with the certificates that the operator creates for its webhook. For an uninstall: there is a webhook. */
  readonly webhookSecret: string | undefined;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  /** Base address of an OpenTelemetry collector; `undefined`: no traces. */
  readonly otlpEndpoint: string | undefined;
}

/** How the gate's webhook is served. */
export interface WebhookOptions {
  readonly address: ListenAddress;
  /** Folder of `tls.crt` and `tls.key` that something else renews; `undefined`: the operator creates its own. */
  readonly certPath: string | undefined;
  /** Names and addresses under which the API server calls it. */
  readonly hosts: readonly string[];
}

export interface UninstallOptions {
  readonly deployment: string;
  readonly namespace: string;
}

export type Command =
  | { readonly name: 'run'; readonly options: Options }
  | { readonly name: 'uninstall'; readonly options: Options; readonly uninstall: UninstallOptions }
  | { readonly name: 'help' }
  | { readonly name: 'version' }
  | { readonly name: 'wrong'; readonly mistakes: readonly string[] };

/** Every flag, in the order of the help, with kubebuilder's names where they exist. */
export const FLAGS = {
  'watch-namespaces': { value: 'A,B', initial: '', help: 'watch only these namespaces (default: all)' },
  'max-execs': { value: 'N', initial: '16', help: 'maximum number of concurrent checks' },
  'max-execs-per-node': { value: 'N', initial: '4', help: 'maximum number of concurrent checks on one node' },
  'metrics-bind-address': { value: 'ADDR', initial: ':8080', help: 'address of /metrics; 0 serves none' },
  'metrics-secure': {
    initial: 'false',
    help: 'serve metrics over TLS, only to accounts that may get /metrics; needs --metrics-cert-path',
  },
  'metrics-cert-path': { value: 'DIR', help: 'directory with tls.crt and tls.key for the metrics' },
  'metrics-max-upgrades': {
    value: 'N',
    initial: '1000',
    help: 'maximum number of Upgrades with a series in postcheck_upgrade_info; 0: none',
  },
  'health-probe-bind-address': {
    value: 'ADDR',
    initial: ':8081',
    help: 'address of /healthz and /readyz; 0 serves none',
  },
  'prometheus-url': {
    value: 'URL',
    help: 'Prometheus for the queries of postCheck.rolloutChecks, such as https://prometheus:9090',
  },
  'prometheus-token-file': { value: 'FILE', help: 'bearer token for this Prometheus' },
  'prometheus-ca-file': { value: 'FILE', help: 'CA certificates for this Prometheus' },
  'leader-elect': { initial: 'true', help: 'act only while holding the Lease' },
  'lease-namespace': {
    value: 'NAME',
    help: "namespace of the Lease (default: the pod's own, otherwise default)",
  },
  'lease-name': { value: 'NAME', initial: 'postcheck', help: 'name of the Lease' },
  'gate-policy-name': {
    value: 'NAME',
    initial: 'postcheck-gate',
    help: 'MutatingAdmissionPolicyBinding, or MutatingWebhookConfiguration, that adds gates to pods',
  },
  'webhook-bind-address': {
    value: 'ADDR',
    initial: '0',
    help: 'address of the webhook that adds gates to pods; 0 serves none',
  },
  'webhook-host': { value: 'A,B', help: 'names and addresses by which the API server calls the webhook' },
  'webhook-secret': {
    value: 'NAME',
    help: "Secret for the webhook's certificates, which the operator makes; uninstall: remove it and the webhook",
  },
  'webhook-cert-path': {
    value: 'DIR',
    help: 'directory with tls.crt and tls.key for the webhook, if something else creates them',
  },
  kubeconfig: {
    value: 'FILE',
    help: "kubeconfig to use (default: $KUBECONFIG, else the pod's service account)",
  },
  context: { value: 'NAME', help: 'context in that kubeconfig' },
  'log-level': { value: 'LEVEL', initial: 'info', help: 'debug, info, warn or error' },
  'log-format': { value: 'FORMAT', initial: 'json', help: 'json or text' },
  'otlp-endpoint': {
    value: 'URL',
    help: 'OpenTelemetry collector for traces, by OTLP over HTTP, such as http://collector:4318 (default: none)',
  },
  deployment: { value: 'NAME', help: "uninstall: the operator's Deployment" },
  namespace: { value: 'NAME', help: "uninstall: the operator's namespace" },
  version: { initial: 'false', help: 'print the version' },
  help: { initial: 'false', help: 'print this help' },
} as const satisfies Readonly<Record<string, Flag>>;
type Name = keyof typeof FLAGS;

const leftOf = (name: string, { value }: Flag): string =>
  `--${name}${value === undefined ? '' : ` ${value}`}`;

const WIDEST = Math.max(...Object.entries(FLAGS).map(([name, flag]) => leftOf(name, flag).length));

function flagLine([name, flag]: [string, Flag]): string {
  const { value, initial, help } = flag;
  const left = leftOf(name, flag);
  const right = value !== undefined && initial ? `${help} (default ${initial})` : help;
  return `  ${left.padEnd(WIDEST + 2)}${right}${name === 'leader-elect' ? ' (default true)' : ''}`;
}

export const HELP = `postcheck: upgrades containers, verifies each upgrade from inside the container, and falls back when verification fails

Usage: postcheck [run] [flags]
       postcheck uninstall --deployment NAME --namespace NAMESPACE [flags]

${Object.entries(FLAGS).map(flagLine).join('\n')}

uninstall removes the gate policy's binding and the webhook, scales the operator to zero and opens every closed gate, so that nothing stays behind that only the operator could open.
`;

const COMMANDS = ['run', 'uninstall'];

/** Collects mistakes while it reads values, so that all are reported together. */
class Values {
  readonly mistakes: string[] = [];
  readonly #given: Given;

  constructor(given: Given) {
    this.#given = given;
    this.mistakes.push(...given.mistakes);
  }

  text(name: Name): string | undefined {
    return this.#given.values.get(name) ?? own<Flag>(FLAGS, name)?.initial;
  }

  flag(name: Name): boolean {
    return this.oneOf(name, ['true', 'false']) === 'true';
  }

  oneOf<T extends string>(name: Name, allowed: readonly T[]): T {
    const value = this.text(name) ?? '';
    const found = allowed.find((word) => word === value);
    if (found === undefined) {
      this.mistakes.push(`--${name} must be one of ${allowed.join(', ')}, not ${value || 'empty'}`);
    }
    return found ?? (allowed[0] as T);
  }

  number(name: Name, least: number, most: number): number {
    const text = this.text(name) ?? '';
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most)) {
      this.mistakes.push(`--${name} must be a whole number from ${least} to ${most}, not ${text || 'empty'}`);
    }
    return value;
  }

  address(name: Name): ListenAddress | undefined {
    const text = this.text(name) ?? '';
    const address = text === '0' ? undefined : parseListenAddress(text);
    if (text !== '0' && !address) {
      this.mistakes.push(
        `--${name} must have the form :8080 or 127.0.0.1:8080, or be 0, not ${text || 'empty'}`,
      );
    }
    return address;
  }

  url(name: Name): string | undefined {
    const text = this.text(name) || undefined;
    if (text !== undefined && !/^https?:$/.test(URL.parse(text)?.protocol ?? '')) {
      this.mistakes.push(`--${name} must be a URL such as http://collector:4318, not ${text}`);
    }
    return text;
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the words after the program's name; `env` supplies KUBECONFIG and the pod's namespace. */
export function readCommand(args: readonly string[], env: Environment): Command {
  const given = readFlags(args, FLAGS);
  for (const name of ['help', 'version'] as const) {
    if (given.values.get(name) === 'true') {
      return { name };
    }
  }
  const values = new Values(given);
  const options = optionsOf(values, env);
  const { deployment, namespace } = {
    deployment: values.text('deployment'),
    namespace: values.text('namespace'),
  };
  const [name = 'run', ...rest] = given.words;
  const mistakes = [...values.mistakes, ...wrongWords(name, rest)];
  if (name === 'uninstall' && !(deployment && namespace)) {
    mistakes.push('uninstall needs --deployment and --namespace of the operator');
  }
  if (mistakes.length > 0) {
    return { name: 'wrong', mistakes };
  }
  return name === 'uninstall' && deployment && namespace
    ? { name, options, uninstall: { deployment, namespace } }
    : { name: 'run', options };
}

function optionsOf(values: Values, env: Environment): Options {
  const secure = values.flag('metrics-secure');
  const certPath = values.text('metrics-cert-path');
  if (secure && !certPath) {
    values.mistakes.push(
      '--metrics-secure needs --metrics-cert-path, the directory with tls.crt and tls.key',
    );
  }
  if (!secure && certPath) {
    values.mistakes.push('--metrics-cert-path needs --metrics-secure');
  }
  return {
    kubeconfig: values.text('kubeconfig') ?? (env['KUBECONFIG'] || undefined),
    context: values.text('context'),
    watchNamespaces: listed(values.text('watch-namespaces')),
    maxExecs: values.number('max-execs', 1, 1000),
    maxExecsPerNode: values.number('max-execs-per-node', 1, 1000),
    metricsAddress: values.address('metrics-bind-address'),
    metricsCertPath: certPath,
    metricsMaxUpgrades: values.number('metrics-max-upgrades', 0, 100_000),
    healthAddress: values.address('health-probe-bind-address'),
    prometheusUrl: values.url('prometheus-url'),
    prometheusTokenFile: values.text('prometheus-token-file'),
    prometheusCaFile: values.text('prometheus-ca-file'),
    leaderElect: values.flag('leader-elect'),
    leaseNamespace: values.text('lease-namespace') ?? env['POD_NAMESPACE'] ?? 'default',
    leaseName: values.text('lease-name') ?? '',
    gatePolicyName: values.text('gate-policy-name') ?? '',
    webhook: webhookOptions(values),
    webhookSecret: values.text('webhook-secret'),
    logLevel: values.oneOf('log-level', LOG_LEVELS),
    logFormat: values.oneOf('log-format', LOG_FORMATS),
    otlpEndpoint: values.url('otlp-endpoint'),
  };
}

function webhookOptions(values: Values): WebhookOptions | undefined {
  const address = values.address('webhook-bind-address');
  const certPath = values.text('webhook-cert-path');
  const hosts = listed(values.text('webhook-host'));
  if (address && !certPath && !(hosts.length > 0 && values.text('webhook-secret'))) {
    values.mistakes.push(
      '--webhook-bind-address needs --webhook-host and --webhook-secret, or --webhook-cert-path',
    );
  }
  return address && { address, certPath, hosts };
}

const listed = (text: string | undefined): string[] => (text ?? '').split(',').filter((name) => name !== '');

function wrongWords(name: string, rest: readonly string[]): string[] {
  if (rest.length > 0) {
    return [`unexpected argument ${rest.join(' ')}: write values as --flag=value`];
  }
  if (COMMANDS.includes(name)) {
    return [];
  }
  const meant = nearest(name, COMMANDS);
  return [
    `unknown command ${name}: ${meant === undefined ? 'use run or uninstall' : `did you mean ${meant}?`}`,
  ];
}
