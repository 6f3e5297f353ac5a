/** Command line of the operator: read once, checked at once, all mistakes told together. */
import { parseArgs } from 'node:util';

export interface Options {
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  readonly watchNamespaces: readonly string[];
  readonly maxExecs: number;
  readonly maxExecsPerNode: number;
  readonly metricsPerUpgrade: boolean;
  readonly metricsAddress: string;
  readonly leaderElect: boolean;
  readonly leaseNamespace: string;
  readonly leaseName: string;
  readonly gatePolicyName: string;
  readonly logLevel: string;
}

export interface UninstallOptions {
  readonly deployment: string;
  readonly namespace: string;
}

export type Command =
  | { readonly name: 'run'; readonly options: Options }
  | { readonly name: 'uninstall'; readonly options: Options; readonly uninstall: UninstallOptions }
  | { readonly name: 'help' }
  | { readonly name: 'wrong'; readonly mistakes: readonly string[] };

export const HELP = `postcheck: upgrades containers, proves each upgrade from inside the container, and falls back when the proof does not come

Usage: postcheck [run] [flags]
       postcheck uninstall --deployment NAME --namespace NAMESPACE [flags]

  --watch-namespaces A,B    watch only these namespaces (default: all)
  --max-execs N             checks in flight overall (default 16)
  --max-execs-per-node N    checks in flight on one node (default 4)
  --metrics-address ADDR    address of /metrics, /healthz and /readyz (default :8080)
  --metrics-per-upgrade     export postcheck_upgrade_info for each Upgrade
  --leader-elect=BOOL       work only while holding the Lease (default true)
  --lease-namespace NAME    namespace of the Lease (default: the pod's own, else default)
  --lease-name NAME         name of the Lease (default postcheck)
  --gate-policy-name NAME   MutatingAdmissionPolicyBinding that puts gates on pods (default postcheck-gate)
  --kubeconfig FILE         kubeconfig to use (default: $KUBECONFIG, else the pod's service account)
  --context NAME            context in that kubeconfig
  --log-level LEVEL         debug, info, warn or error (default info)
  --help                    show this

uninstall removes the gate policy's binding, scales the operator to zero and opens every closed gate, so that nothing stays behind that only the operator could open.
`;

const FLAGS = {
  'watch-namespaces': { type: 'string', default: '' },
  'max-execs': { type: 'string', default: '16' },
  'max-execs-per-node': { type: 'string', default: '4' },
  'metrics-address': { type: 'string', default: ':8080' },
  'metrics-per-upgrade': { type: 'boolean', default: false },
  'leader-elect': { type: 'string', default: 'true' },
  'lease-namespace': { type: 'string' },
  'lease-name': { type: 'string', default: 'postcheck' },
  'gate-policy-name': { type: 'string', default: 'postcheck-gate' },
  kubeconfig: { type: 'string' },
  context: { type: 'string' },
  'log-level': { type: 'string', default: 'info' },
  deployment: { type: 'string' },
  namespace: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** Reads the words after the program's name; `env` supplies KUBECONFIG and the pod's namespace. */
export function readCommand(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Command {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (error) {
    return { name: 'wrong', mistakes: [error instanceof Error ? error.message : String(error)] };
  }
  const { values } = parsed;
  if (values.help) {
    return { name: 'help' };
  }
  const mistakes: string[] = [];
  const number = (flag: 'max-execs' | 'max-execs-per-node'): number => {
    const value = Number(values[flag]);
    if (!Number.isInteger(value) || value < 1 || value > 1000) {
      mistakes.push(`--${flag} must be a whole number from 1 to 1000, not ${values[flag]}`);
    }
    return value;
  };
  const oneOf = (flag: 'leader-elect' | 'log-level', allowed: readonly string[]): string => {
    if (!allowed.includes(values[flag])) {
      mistakes.push(`--${flag} must be one of ${allowed.join(', ')}, not ${values[flag]}`);
    }
    return values[flag];
  };
  const options: Options = {
    kubeconfig: values.kubeconfig ?? (env['KUBECONFIG'] || undefined),
    context: values.context,
    watchNamespaces: values['watch-namespaces'].split(',').filter((name) => name !== ''),
    maxExecs: number('max-execs'),
    maxExecsPerNode: number('max-execs-per-node'),
    metricsPerUpgrade: values['metrics-per-upgrade'],
    metricsAddress: values['metrics-address'],
    leaderElect: oneOf('leader-elect', ['true', 'false']) === 'true',
    leaseNamespace: values['lease-namespace'] ?? env['POD_NAMESPACE'] ?? 'default',
    leaseName: values['lease-name'],
    gatePolicyName: values['gate-policy-name'],
    logLevel: oneOf('log-level', ['debug', 'info', 'warn', 'error']),
  };
  return commandOf(parsed, options, mistakes);
}

/** Which command it is; every mistake is told, those of the flags too. */
function commandOf(
  { values, positionals }: ReturnType<typeof parse>,
  options: Options,
  mistakes: readonly string[],
): Command {
  const [name = 'run', ...rest] = positionals;
  const { deployment, namespace } = values;
  const unknown =
    rest.length > 0 || (name !== 'run' && name !== 'uninstall')
      ? [`unknown command ${positionals.join(' ')}: use run or uninstall`]
      : [];
  const lacking =
    name === 'uninstall' && !(deployment && namespace)
      ? ['uninstall needs --deployment and --namespace of the operator']
      : [];
  const all = [...mistakes, ...unknown, ...lacking];
  if (all.length > 0) {
    return { name: 'wrong', mistakes: all };
  }
  if (name === 'uninstall' && deployment && namespace) {
    return { name, options, uninstall: { deployment, namespace } };
  }
  return { name: 'run', options };
}

const parse = (args: readonly string[]) =>
  parseArgs({ args: [...args], options: FLAGS, allowPositionals: true, strict: true });
