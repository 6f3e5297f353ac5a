/** Every name that users see, defined once. */
export const GROUP = 'postcheck.dev';
export const VERSION = 'v1alpha1';
/** Condition and readiness gate on pods. */
export const VERIFIED = `${GROUP}/verified`;
export const RETRY_ANNOTATION = `${GROUP}/retry`;
export const ABORT_ANNOTATION = `${GROUP}/abort`;
export const APPROVE_ANNOTATION = `${GROUP}/approve`;
export const PROMOTE_ANNOTATION = `${GROUP}/promote`;
/** Keeps an Upgrade that is being deleted until the previous images are restored. */
export const FALLBACK_FINALIZER = `${GROUP}/fallback`;
/** Field manager of every write. */
export const FIELD_MANAGER = 'postcheck';
/** Name of the MutatingAdmissionPolicy and of its binding. */
export const GATE_POLICY = 'postcheck-gate';
/** The location of the runbooks, each as `NAME.md`. */
export const RUNBOOKS_URL = 'https://github.com/postcheck/postcheck/blob/main/docs/runbooks';
/** On the CRD: digest of its schema, by which the operator recognizes that the CRD is of its own version. */
export const SCHEMA_ANNOTATION = `${GROUP}/schema`;

/**
 * The default that the API server sets in `observedGeneration` of a new Upgrade. Without it Flux and other tools that use kstatus would consider
 * an object without a status as ready.
 */
export const UNSEEN = -1;
