/** The text on a pod whose gate was opened although the pod was not verified. */
const OPENED = {
  ReportOnly: 'the version failed, but spec.fallback.action is None',
  NoAttempt: 'no attempt needs the gate of this pod',
  Uninstalled: 'postcheck was uninstalled',
} as const;

export const openedGateText = (why: keyof typeof OPENED): string => OPENED[why];
