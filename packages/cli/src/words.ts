/** Words that people type: the names of kinds in kubectl, and verbs of other tools. */
import { own } from '../../../src/api/own.ts';

/** The names of the kind in kubectl. */
export const UPGRADE_WORDS = ['upgrade', 'upgrades', 'upg', 'upgrades.postcheck.dev'];

/** The names in kubectl of the kinds that an Upgrade can target. */
export const WORKLOAD_WORDS: Readonly<Record<string, 'Deployment' | 'StatefulSet' | 'DaemonSet'>> = {
  deployment: 'Deployment',
  deployments: 'Deployment',
  deploy: 'Deployment',
  statefulset: 'StatefulSet',
  statefulsets: 'StatefulSet',
  sts: 'StatefulSet',
  daemonset: 'DaemonSet',
  daemonsets: 'DaemonSet',
  ds: 'DaemonSet',
};

/** Kinds that own pods or are owned by a workload, with their names in kubectl, and what to name instead. */
const OTHER_KINDS: readonly (readonly [kind: string, words: readonly string[], instead: string])[] = [
  [
    'ReplicaSet',
    ['replicaset', 'replicasets', 'rs'],
    'name the Deployment that owns it, as in deployment/NAME',
  ],
  ['Pod', ['pod', 'pods', 'po'], 'name the Deployment, StatefulSet or DaemonSet that owns it'],
  [
    'ControllerRevision',
    ['controllerrevision', 'controllerrevisions'],
    'name the StatefulSet or DaemonSet that owns it',
  ],
  [
    'ReplicationController',
    ['replicationcontroller', 'replicationcontrollers', 'rc'],
    'it has no rollouts; a Deployment does',
  ],
  ['Job', ['job', 'jobs'], 'its pods run to completion, and are not upgraded'],
  ['CronJob', ['cronjob', 'cronjobs', 'cj'], 'its next Job runs the new image; no pod is upgraded'],
];

/** Returns why a kind cannot have an Upgrade, and what to name instead; `undefined` for an unknown word. */
export function otherKindText(word: string): string | undefined {
  const [kind, , instead] = OTHER_KINDS.find(([, words]) => words.includes(word)) ?? [];
  return kind && `a ${kind} cannot have an Upgrade: ${instead}`;
}

/** Verbs of kubectl and of similar tools, and what does that here. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  apply: 'use `kubectl apply`; `lint` validates the file first',
  create: 'use `kubectl apply`; `init` prints an Upgrade',
  deploy: 'use `set image NAME CONTAINER=IMAGE`',
  delete: 'use `kubectl delete upgrade NAME`',
  edit: 'use `kubectl edit upgrade NAME`',
  describe: 'use `why NAME`',
  explain: 'use `why NAME`, or `kubectl explain upgrade.spec`',
  list: 'use `get`',
  restart: 'use `retry NAME`',
  rollback: 'use `abort NAME` during an attempt, and `set image` after it',
  uninstall: 'use `helm uninstall`',
  undo: 'use `abort NAME` during an attempt, and `set image` after it',
  rollout: 'use `status NAME`, `history NAME`, `retry NAME` or `abort NAME`',
  update: 'use `set image NAME CONTAINER=IMAGE`',
  upgrade: 'use `set image NAME CONTAINER=IMAGE`, or `get` to see them',
  validate: 'use `lint`',
  wait: 'use `status NAME`, which waits',
  watch: 'use `status NAME`, or `tree NAME --watch`',
};

/** Options of other tools, and what does that here. */
const OPTIONS: Readonly<Record<string, string>> = {
  '--dry-run=client': 'use `--dry-run`, which the API server validates without storing it',
  '--version': 'use `version`',
  '-v': 'use `version`',
  '-V': 'use `version`',
};

/** Returns the message for an unknown verb or option, with what does it here if that is known. `verbsWith` returns the verbs with an option. */
export function unknownWordText(message: string, verbsWith: (option: string) => readonly string[]): string {
  const [, what = '', word = ''] = /^error: unknown (command|option) '([^']*)'/.exec(message) ?? [];
  const instead = what === 'option' ? insteadOf(word, verbsWith(word)) : own<string>(ELSEWHERE, word);
  return instead === undefined ? message : `error: unknown ${what} '${word}': ${instead}`;
}

const insteadOf = (option: string, verbs: readonly string[]): string | undefined =>
  own<string>(OPTIONS, option) ??
  (verbs.length > 0 ? `write it after one of the commands that have it: ${verbs.join(', ')}` : undefined);
