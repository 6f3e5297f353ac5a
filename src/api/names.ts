/** Every name that users meet, once. */
export const GROUP = 'postcheck.dev';
export const VERSION = 'v1alpha1';
/** Condition and readiness gate on pods. */
export const VERIFIED = `${GROUP}/verified`;
export const RETRY_ANNOTATION = `${GROUP}/retry`;
export const ABORT_ANNOTATION = `${GROUP}/abort`;
export const APPROVE_ANNOTATION = `${GROUP}/approve`;
export const PROMOTE_ANNOTATION = `${GROUP}/promote`;
/** Keeps an Upgrade that is being deleted until what ran before is back. */
export const FALLBACK_FINALIZER = `${GROUP}/fallback`;
/** Field manager of every write. */
export const FIELD_MANAGER = 'postcheck';
/** Name of the MutatingAdmissionPolicy and of its binding. */
export const GATE_POLICY = 'postcheck-gate';
/** Where the runbooks can be read, each as `NAME.md`. */
export const RUNBOOKS_URL = 'https://github.com/postcheck/postcheck/blob/main/docs/runbooks';
/** On the CRD: digest of its schema, by which the operator sees that it is its own. */
export const SCHEMA_ANNOTATION = `${GROUP}/schema`;

/**
 * What the API server puts into `observedGeneration` of an Upgrade that nobody has seen. Without it Flux, and whoever else judges by kstatus,
 * takes an object without a status for one that is up to date.
 */
export const UNSEEN = -1;
