/**
 * The results of the health tools: a number and a sentence.
 *
 * 3–99 are free for the application's own meanings. 0 is healthy. 1 and 2 have a meaning in the contract of
 * `/usr/bin/readiness_probe.sh` (a crashed hook, an unfinished `start` service), and so have the codes from 120 on;
 * the tools therefore keep to 100–119 and can stand behind that script as its hook without being misread.
 */
export const healthCode = {
  healthy: 0,
  unhealthy: 100,
  checkFailed: 101,
  checkTimedOut: 102,
  beatMissing: 105,
  beatTooOld: 106,
  beatProcessGone: 107,
  beatUnreadable: 108,
  beatInvalid: 109,
  noAnswer: 110,
  closedEarly: 111,
  protocolError: 112,
  socketMissing: 113,
  socketStale: 114,
  notASocket: 115,
  permissionDenied: 116,
  connectFailed: 117,
  usage: 119,
} as const;

/** One line for every code, in the order of `--help`. */
export const healthCodeTexts: Readonly<Record<keyof typeof healthCode, string>> = {
  healthy: 'healthy',
  unhealthy: 'the application reported that it is unhealthy',
  checkFailed: "the application's check threw, or returned something that is no answer",
  checkTimedOut: "the application's check did not end within its own limit",
  beatMissing: 'no heartbeat file: not started yet, shutting down, or already consumed',
  beatTooOld: 'the last heartbeat is older than --max-age-seconds',
  beatProcessGone: 'the process that wrote the heartbeat no longer exists',
  beatUnreadable: 'no permission to read the heartbeat file or its directory (with --consume: to remove it)',
  beatInvalid: 'the heartbeat file has unexpected content or a time in the future',
  noAnswer: 'connected, but no response within --timeout-seconds',
  closedEarly: 'the application closed the connection before its response was complete',
  protocolError: 'the response does not follow the protocol',
  socketMissing: 'the socket does not exist: not started yet, or another path',
  socketStale: 'the socket exists, but no process listens on it: its process was killed',
  notASocket: 'the path exists, but is not a socket',
  permissionDenied: 'this user is not allowed to connect to the socket',
  connectFailed: 'any other failure to connect',
  usage: 'invalid options',
};

/** The result of a health check: `code` is 0–255 (an exit code), `message` one line for a person. */
export interface HealthReply {
  readonly code: number;
  readonly message: string;
}
