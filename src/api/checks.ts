/** The checks that every pod has to pass. The one place that reads `spec.postCheck.checks`. */
import type { Check, UpgradeSpec } from './types.ts';

/**
 * Asked when the user names no check. It is no default of the schema: the API server would put the entry into a list that is merged by name,
 * and a server-side apply of other checks, or of none, could never take it out again.
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

/** The checks that the user named, none of them for an empty list, or else the readiness script. */
export const effectiveChecks = ({ postCheck }: UpgradeSpec): readonly Check[] =>
  postCheck.checks ?? READINESS_SCRIPT;
