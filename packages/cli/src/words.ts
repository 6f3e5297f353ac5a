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

/** Verbs of kubectl and of similar tools, and what does that here. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  apply: 'use `kubectl apply`; `lint` validates the file first',
  create: 'use `kubectl apply`; `init` prints an Upgrade',
  delete: 'use `kubectl delete upgrade NAME`',
  edit: 'use `kubectl edit upgrade NAME`',
  describe: 'use `why NAME`',
  explain: 'use `why NAME`, or `kubectl explain upgrade.spec`',
  list: 'use `get`',
  restart: 'use `retry NAME`',
  rollback: 'use `abort NAME` during an attempt, and `set image` after it',
  undo: 'use `abort NAME` during an attempt, and `set image` after it',
  rollout: 'use `status NAME`, `history NAME`, `retry NAME` or `abort NAME`',
  validate: 'use `lint`',
  wait: 'use `status NAME`, which waits',
  watch: 'use `status NAME`, or `tree NAME --watch`',
};

/** Returns the message for an unknown verb, with what does it here if that is known. */
export function unknownVerbText(message: string): string {
  const [, word = ''] = /^error: unknown command '([^']*)'/.exec(message) ?? [];
  const instead = own<string>(ELSEWHERE, word);
  return instead === undefined ? message : `error: unknown command '${word}': ${instead}`;
}
