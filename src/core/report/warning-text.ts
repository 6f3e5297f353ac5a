/** The words for what may disturb a verification. */

/** A startup probe restarts a container that should rather be seen failing and fall back. */
export const startupProbeText = (container: string): string =>
  `container ${container} has a startupProbe, which restarts it before the post-check can detect a failure: use a readinessProbe`;
