/** The checks that every pod must pass. The only place that reads `spec.postCheck.checks`. */
import type { Check, UpgradeSpec } from './types.ts';

/**
 * The check if the spec has none. It is no default in the schema: the API server would add the entry to the list of the user, and a server-side
 * apply of other checks, or of none, could not remove it.
 */
const READINESS_SCRIPT: readonly Check[] = [
  {
    name: 'readiness-probe',
    exec: { command: ['/usr/bin/readiness_probe.sh'] },
    timeoutSeconds: 10,
    whenMissing: 'Auto',
    exitCodes: [],
    maxOutputBytes: 1024,
  },
];

/** The checks in the spec, which may be an empty list; without a list, the readiness script. */
export const effectiveChecks = ({ postCheck }: UpgradeSpec): readonly Check[] =>
  postCheck.checks ?? READINESS_SCRIPT;
