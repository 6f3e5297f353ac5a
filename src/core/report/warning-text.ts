/** The text for what may interfere with a verification. */

/** A startup probe restarts a container before its failure can be observed. */
export const startupProbeText = (container: string): string =>
  `container ${container} has a startupProbe, which restarts it before the post-check can detect a failure: use a readinessProbe`;
