/** The text for an exec without a result. */
import type { ExecRefused } from '../verification/exec-result.ts';

export const execRefusedText = ({ status, message }: ExecRefused): string =>
  `exec was rejected with ${status}: ${message}`;

/** The runtime reported success, and the readiness script wrote this code. */
export const lostCodeText = (code: number): string =>
  `the container runtime reported exit code 0, but the script ended with ${code}`;
