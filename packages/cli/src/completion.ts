/**
 * Completes a command line. kubectl (1.26 and newer) runs the program `kubectl_complete-postcheck` on its path, which prints like cobra: a line for
 * each candidate, and `:4` (no file names) at the end.
 */
import type { Argument, Command, Option } from 'commander';
import { at, text } from '../../../src/kube/client/json.ts';
import type { KubectlName } from '../../../src/kube/client/kubectl-config.ts';
import { RESOURCES } from '../../../src/kube/client/paths.ts';
import type { Cluster } from './cluster.ts';
import { Fault } from './fault.ts';
import { ListOption } from './flags.ts';
import type { Io } from './io.ts';

const NO_FILES = ':4';
const FILES = ':0';
const SHELLS = ['kubectl', 'bash', 'zsh', 'fish'] as const;

/** What is being completed: the verb, what comes next, and the beginning of the word. */
export interface Place {
  readonly command: Command;
  /** The flag whose value comes next. */
  readonly flag?: Option;
  /** Words that are neither flags nor verbs. */
  readonly operands: readonly string[];
  readonly prefix: string;
}

/** Follows the words through the verbs. The last one is the word that is being typed. */
export function placeOf(program: Command, words: readonly string[]): Place {
  let command = program;
  let flag: Option | undefined;
  const operands: string[] = [];
  for (const word of words.slice(0, -1)) {
    const next = flag === undefined ? command.commands.find((one) => one.name() === word) : undefined;
    if (flag !== undefined) {
      flag = undefined;
    } else if (word.startsWith('-')) {
      flag = takesValue(program, command, word);
    } else if (next) {
      command = next;
    } else {
      operands.push(word);
    }
  }
  return { command, operands, ...lastWord(program, command, flag, words.at(-1) ?? '') };
}

/** After `--flag=` only the value is completed: kubectl's scripts add the flag again. */
function lastWord(
  program: Command,
  command: Command,
  flag: Option | undefined,
  word: string,
): Pick<Place, 'flag' | 'prefix'> {
  const equals = word.indexOf('=');
  const named =
    equals > 0 ? optionsOf(program, command).find(({ long }) => long === word.slice(0, equals)) : undefined;
  if (flag) {
    return { flag, prefix: word };
  }
  return named ? { flag: named, prefix: word.slice(equals + 1) } : { prefix: word };
}

const optionsOf = (program: Command, command: Command): readonly Option[] => [
  ...command.options,
  ...program.options,
];

const takesValue = (program: Command, command: Command, word: string): Option | undefined =>
  word.includes('=')
    ? undefined
    : optionsOf(program, command).find(
        (option) => (option.short === word || option.long === word) && option.required,
      );

/** Where names come from. */
export interface Sources {
  readonly open: () => Promise<Cluster>;
  /** The names in the kubeconfig. */
  readonly configured: (flag: KubectlName) => readonly string[];
}

/** Returns the candidates with their descriptions, as cobra prints them. */
export async function complete(
  program: Command,
  words: readonly string[],
  sources: Sources,
): Promise<string[]> {
  const place = placeOf(program, words);
  if (place.flag?.flags.endsWith('<file>')) {
    return [FILES];
  }
  const all = await candidates(program, place, sources);
  return [
    ...all
      .filter(([word]) => word.startsWith(place.prefix))
      .map(([word, help]) => (help ? `${word}\t${help}` : word)),
    NO_FILES,
  ];
}

type Candidate = readonly [word: string, help?: string];

async function candidates(program: Command, place: Place, sources: Sources): Promise<Candidate[]> {
  const { command, flag, operands, prefix } = place;
  if (flag) {
    return await ofFlag(flag, prefix, sources);
  }
  if (prefix.startsWith('-')) {
    return optionsOf(program, command).map((option) => [option.long ?? '', option.description]);
  }
  const verbs = command.commands.filter((one) => !one.name().startsWith('_'));
  if (verbs.length > 0 && operands.length === 0) {
    return verbs.map((one) => [one.name(), one.summary() || one.description()]);
  }
  const argument =
    command.registeredArguments[Math.min(operands.length, command.registeredArguments.length - 1)];
  const isOver = operands.length >= command.registeredArguments.length && !argument?.variadic;
  return argument && !isOver ? await ofArgument(command, argument, operands, sources) : [];
}

const CONFIGURED: readonly string[] = ['context', 'cluster', 'user'] satisfies KubectlName[];
const isConfigured = (name: string): name is KubectlName => CONFIGURED.includes(name);

async function ofFlag(flag: Option, prefix: string, sources: Sources): Promise<Candidate[]> {
  const namespaces = { root: '/api/v1', plural: 'namespaces' };
  if (flag.argChoices) {
    return choicesOf(flag, prefix).map((choice) => [choice]);
  }
  const name = flag.name();
  if (isConfigured(name)) {
    return configuredNames(sources, name);
  }
  return name.endsWith('namespace')
    ? await fromCluster(sources, async (cluster) => names(await cluster.list(namespaces)))
    : [];
}

/** Nothing if the kubeconfig cannot be read. */
function configuredNames({ configured }: Sources, flag: KubectlName): Candidate[] {
  try {
    return configured(flag).map((name) => [name]);
  } catch {
    return [];
  }
}

/** The values of a flag with a closed list; after a comma, those that are not in its list yet. */
function choicesOf(flag: Option, prefix: string): string[] {
  const choices = flag.argChoices ?? [];
  const typed = prefix.slice(0, prefix.lastIndexOf(',') + 1);
  if (!(flag instanceof ListOption)) {
    return choices;
  }
  const taken = typed.split(',');
  return choices.filter((choice) => !taken.includes(choice)).map((choice) => `${typed}${choice}`);
}

const names = (items: readonly unknown[]): Candidate[] =>
  items.map((raw) => [text(at(raw, 'metadata', 'name'))]);

async function ofArgument(
  command: Command,
  argument: Argument,
  operands: readonly string[],
  sources: Sources,
): Promise<Candidate[]> {
  if (argument.argChoices) {
    return argument.argChoices.map((choice) => [choice]);
  }
  return await fromCluster(sources, async (cluster) => {
    if (argument.name() === 'workload') {
      return await workloads(cluster);
    }
    if (argument.name() === 'pod') {
      return names(await cluster.list(RESOURCES.Pod, cluster.namespace));
    }
    const upgrades = await cluster.list(RESOURCES.Upgrade, cluster.namespace);
    if (argument.name() === 'container=image') {
      return upgrades
        .filter((raw) => at(raw, 'metadata', 'name') === operands[0])
        .flatMap((raw) => at(raw, 'spec', 'containers') as { name: string; image: string }[])
        .map(({ name, image }) => [`${name}=`, image]);
    }
    return command.name() === 'diff' && operands.length > 0
      ? []
      : upgrades.map((raw) => [text(at(raw, 'metadata', 'name')), text(at(raw, 'status', 'phase'))]);
  });
}

const KINDS = { Deployment: 'deployment', StatefulSet: 'statefulset', DaemonSet: 'daemonset' } as const;

async function workloads(cluster: Cluster): Promise<Candidate[]> {
  const all = await Promise.all(
    Object.entries(KINDS).map(async ([kind, word]) =>
      names(await cluster.list(RESOURCES[kind as keyof typeof KINDS], cluster.namespace)).map(
        ([name]): Candidate => [`${word}/${name}`],
      ),
    ),
  );
  return all.flat();
}

/** Nothing if the cluster cannot be reached: a completion must never fail. */
async function fromCluster(
  { open }: Sources,
  read: (cluster: Cluster) => Promise<Candidate[]>,
): Promise<Candidate[]> {
  let cluster: Cluster | undefined;
  try {
    cluster = await open();
    return await read(cluster);
  } catch {
    return [];
  } finally {
    cluster?.close();
  }
}

const SCRIPTS: Readonly<Record<(typeof SHELLS)[number], string>> = {
  kubectl: `#!/bin/sh
# Save this as an executable file named kubectl_complete-postcheck on your PATH:
# kubectl 1.26 or newer runs it to complete \`kubectl postcheck\`.
exec kubectl-postcheck __complete "$@"
`,
  bash: `# source <(kubectl-postcheck completion bash)
_kubectl_postcheck() {
	local IFS=$'\\n'
	mapfile -t COMPREPLY < <(kubectl-postcheck __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | sed '/^:[0-9]*$/d; s/\\t.*//')
}
complete -o nosort -F _kubectl_postcheck kubectl-postcheck
`,
  zsh: `#compdef kubectl-postcheck
# source <(kubectl-postcheck completion zsh)
_kubectl_postcheck() {
	local -a found
	found=("\${(@f)$(kubectl-postcheck __complete "\${(@)words[2,CURRENT]}" 2>/dev/null | sed '/^:[0-9]*$/d; s/:/\\\\:/g; s/\\t/:/')}")
	_describe 'kubectl postcheck' found
}
compdef _kubectl_postcheck kubectl-postcheck
`,
  fish: `# kubectl-postcheck completion fish | source
complete -c kubectl-postcheck -f -a '(kubectl-postcheck __complete (commandline -opc)[2..] (commandline -ct) 2>/dev/null | string match -v -r "^:[0-9]*$")'
`,
};

/** Prints the completion script for a shell or kubectl. */
export function completionScript(io: Io, shell: string): number {
  const script = SHELLS.find((known) => known === shell);
  if (!script) {
    throw new Fault(`there is a completion for ${SHELLS.join(', ')}, not for ${JSON.stringify(shell)}`);
  }
  io.write(SCRIPTS[script]);
  return 0;
}
