/** The text for an exec that the API server or the kubelet rejected. */
import type { ExecRefused } from '../verification/exec-result.ts';

export const execRefusedText = ({ status, message }: ExecRefused): string =>
  `exec was rejected with ${status}: ${message}`;
