/** The words for what may disturb a verification. */

/** A startup probe restarts a container that should rather be seen failing and fall back. */
export const startupProbeText = (container: string): string =>
  `container ${container} has a startupProbe, which restarts it where the post-check should see it fail: use a readinessProbe`;
