/** What a user's mistake meets at `kubectl apply`: a real API server with the real CRD, one row a mistake. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { type ApiServer, eventually, installCrd, type KubeObject, startApiServer } from './api-server.ts';

type Json = Record<string, unknown>;

const check = (more: Json = {}): Json => ({ name: 'probe', exec: { command: ['/probe'] }, ...more });
const many = <T>(count: number, one: T): T[] => Array.from({ length: count }, () => one);
const codes = (...list: (string | number)[]): Json =>
  check({ exitCodes: list.map((code) => ({ codes: code, class: 'Retry' })) });

const upgrade = (spec: Json = {}): Json => ({
  apiVersion: 'postcheck.dev/v1alpha1',
  kind: 'Upgrade',
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
    containers: [{ name: 'web', image: 'web:2' }],
    ...spec,
  },
});

/** Each mistake, and a part of the sentence that has to say what to write instead. */
const REFUSED: readonly (readonly [mistake: string, spec: Json, sentence: string])[] = [
  [
    'a kind that cannot be rolled',
    { targetRef: { apiVersion: 'batch/v1', kind: 'CronJob', name: 'x' } },
    'Unsupported value: "CronJob": supported values: "Deployment", "StatefulSet", "DaemonSet"',
  ],
  [
    'another API group with a known kind',
    { targetRef: { apiVersion: 'apps/v2', kind: 'Deployment', name: 'x' } },
    'Unsupported value: "apps/v2": supported values: "apps/v1"',
  ],
  ...[
    ['a start that no clock shows', { start: '24:00' }, 'should match'],
    ['a start without minutes', { start: '22' }, 'should match'],
    ['a day in the wrong words', { days: ['Saturday'] }, 'supported values: "Mon"'],
    ['no day at all', { days: [] }, 'should have at least 1 items'],
    ['a window that is over before anything begins', { durationSeconds: 1 }, 'greater than or equal to 60'],
    ['a time zone with blanks', { timeZone: 'Europe/ Berlin' }, 'should match'],
  ].map(
    ([mistake, change, sentence]) =>
      [
        `a window: ${mistake}`,
        {
          windows: [{ start: '22:00', durationSeconds: 3600, timeZone: 'Asia/Taipei', ...(change as Json) }],
        },
        sentence,
      ] as readonly [string, Json, string],
  ),
  ['no window', { windows: [] }, 'should have at least 1 items'],
  [
    'another Upgrade named twice',
    { dependsOn: [{ name: 'database' }, { name: 'database' }] },
    'Duplicate value',
  ],
  [
    'a budget of no known unit',
    { strategy: { failureBudget: { maxFailed: '2 pods' } } },
    'write a count from 0, or a percentage from 0% to 100%',
  ],
  [
    'failed pods of a Deployment alone',
    { fallback: { scope: 'FailedPods' }, strategy: { failureBudget: { maxFailed: 1 } } },
    'a Deployment cannot run two versions side by side: set fallback.scope to All',
  ],
  ...[
    [
      'failed pods alone without a budget',
      { fallback: { scope: 'FailedPods' } },
      'without a budget the first failed pod rolls back the whole version: set strategy.failureBudget.maxFailed',
    ],
    [
      'failed pods alone that are not rolled back',
      { fallback: { scope: 'FailedPods', action: 'Pause' }, strategy: { failureBudget: { maxFailed: 1 } } },
      'fallback.scope FailedPods rolls pods back, so fallback.action must be Rollback',
    ],
    [
      'more failed pods alone than the status has room for',
      { fallback: { scope: 'FailedPods' }, strategy: { failureBudget: { maxFailed: 51 } } },
      'with fallback.scope FailedPods at most 50 pods may fail',
    ],
  ].map(
    ([mistake, spec, sentence]) =>
      [
        mistake,
        { targetRef: { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'web' }, ...(spec as Json) },
        sentence,
      ] as readonly [string, Json, string],
  ),
  ['no containers', { containers: [] }, 'should have at least 1 items'],
  [
    'a container named twice',
    {
      containers: [
        { name: 'a', image: 'a:1' },
        { name: 'a', image: 'a:2' },
      ],
    },
    'Duplicate value',
  ],
  ...[' ', '\u200b', '\u{e0041}', '\u001b[2J', '\u009b2J', '\u202e', '\u2028'].flatMap(
    (odd): [string, Json, string][] => [
      [
        `an image with ${JSON.stringify(odd)}`,
        { containers: [{ name: 'a', image: `a:${odd}1` }] },
        'image must not contain whitespace, control characters or characters outside ASCII',
      ],
      ...(odd === ' '
        ? []
        : [
            [
              `the meaning of an exit code with ${JSON.stringify(odd)}`,
              {
                postCheck: {
                  checks: [check({ exitCodes: [{ codes: 17, class: 'Retry', message: `no${odd}pe` }] })],
                },
              },
              'message must be one line without control and invisible characters',
            ] as [string, Json, string],
          ]),
    ],
  ),
  [
    'a kind in small letters',
    { targetRef: { kind: 'deployment', name: 'x' } },
    'supported values: "Deployment"',
  ],
  ['a container name that cannot be one', { containers: [{ name: '../x', image: 'a:1' }] }, 'should match'],
  [
    'nothing that is verified',
    { postCheck: { readiness: { required: false }, checks: [] } },
    'add at least one check',
  ],
  [
    'a version before that has to pass nothing',
    { preCheck: { baseline: 'RequirePass' }, postCheck: { checks: [] } },
    'without checks there is nothing that the previous version could pass',
  ],
  [
    'a baseline in other words',
    { preCheck: { baseline: 'Require' } },
    'supported values: "Record", "RequirePass", "None"',
  ],
  [
    'a deadline before readiness has held long enough',
    { postCheck: { deadlineSeconds: 30, readiness: { minReadySeconds: 30 } } },
    'no pod could pass in time: deadlineSeconds must be longer than readiness.minReadySeconds',
  ],
  [
    'a deadline before the last of the rounds that have to pass',
    { postCheck: { deadlineSeconds: 20, successThreshold: 3 } },
    'no pod could pass in time',
  ],
  [
    'the same of a fallback',
    { postCheck: { readiness: { minReadySeconds: 30 } }, fallback: { deadlineSeconds: 30 } },
    'no reverted pod could pass in time',
  ],
  [
    'a progress deadline within the pods’ own',
    { progressDeadlineSeconds: 60, postCheck: { deadlineSeconds: 60 } },
    'must be larger than postCheck.initialDelaySeconds + postCheck.deadlineSeconds',
  ],
  [
    'a progress deadline that forgets the initial delay',
    { progressDeadlineSeconds: 65, postCheck: { deadlineSeconds: 60, initialDelaySeconds: 5 } },
    'must be larger than',
  ],
  [
    'a progress deadline within the default deadline',
    { progressDeadlineSeconds: 600 },
    'must be larger than',
  ],
  [
    'a check that says nothing to run',
    { postCheck: { checks: [{ name: 'probe' }] } },
    'a check must have exactly one handler',
  ],
  [
    'a check that asks two ways',
    { postCheck: { checks: [check({ tcpSocket: { port: 80 } })] } },
    'exactly one handler',
  ],
  [
    'containers for a check over the network',
    { postCheck: { checks: [{ name: 'p', tcpSocket: { port: 80 }, containers: ['web'] }] } },
    'belong to exec',
  ],
  [
    'exit codes for a check over the network',
    {
      postCheck: { checks: [{ name: 'p', grpc: { port: 80 }, exitCodes: [{ codes: '3', class: 'Fail' }] }] },
    },
    'belong to exec',
  ],
  [
    'an address of the user’s choice for httpGet',
    { postCheck: { checks: [{ name: 'p', httpGet: { port: 80, host: '10.0.0.1' } }] } },
    'unknown field "spec.postCheck.checks[0].httpGet.host"',
  ],
  [
    'an address of the user’s choice for tcpSocket',
    { postCheck: { checks: [{ name: 'p', tcpSocket: { port: 80, host: '10.0.0.1' } }] } },
    'unknown field "spec.postCheck.checks[0].tcpSocket.host"',
  ],
  ...[0, -1, 65536, 99999, '0', '65536', '99999', '', 'a b', 'a/b', 'HTTP'].map(
    (port): readonly [string, Json, string] => [
      `${JSON.stringify(port)} for a port`,
      { postCheck: { checks: [{ name: 'p', httpGet: { port } }] } },
      'port must be a number from 1 to 65535, or the name of a container port',
    ],
  ),
  [
    'a port above 65535 for tcpSocket',
    { postCheck: { checks: [{ name: 'p', tcpSocket: { port: 99999 } }] } },
    'port must be a number from 1 to 65535',
  ],
  [
    'a port that cannot be one',
    { postCheck: { checks: [{ name: 'p', grpc: { port: 70000 } }] } },
    'less than or equal to 65535',
  ],
  [
    'a scheme that is not HTTP',
    { postCheck: { checks: [{ name: 'p', httpGet: { port: 80, scheme: 'FTP' } }] } },
    'Unsupported value: "FTP"',
  ],
  [
    'an empty command',
    { postCheck: { checks: [check({ exec: { command: [] } })] } },
    'should have at least 1 items',
  ],
  ['two checks of one name', { postCheck: { checks: [check(), check()] } }, 'two checks have the same name'],
  [
    'all containers and one of them',
    { postCheck: { checks: [check({ containers: ['*', 'web'] })] } },
    'either ["*"] alone or a list of names',
  ],
  [
    'a try without time',
    { postCheck: { checks: [check({ timeoutSeconds: 0 })] } },
    'greater than or equal to 1',
  ],
  [
    'a try that takes for ever',
    { postCheck: { checks: [check({ timeoutSeconds: 301 })] } },
    'less than or equal to 300',
  ],
  ['overlapping exit codes', { postCheck: { checks: [codes('3-20', '17')] } }, 'exitCodes must not overlap'],
  ['the same exit code twice', { postCheck: { checks: [codes('17', '17')] } }, 'exitCodes must not overlap'],
  ['an exit code above 255', { postCheck: { checks: [codes('256')] } }, 'between 0 and 255'],
  ['a range from large to small', { postCheck: { checks: [codes('20-3')] } }, 'the smaller one first'],
  ['an exit code that is no number', { postCheck: { checks: [codes('abc')] } }, 'between 0 and 255'],
  ['a negative exit code', { postCheck: { checks: [codes(-1)] } }, 'between 0 and 255'],
  ['a number above 255', { postCheck: { checks: [codes(256)] } }, 'between 0 and 255'],
  ['a number within a range', { postCheck: { checks: [codes('3-20', 17)] } }, 'exitCodes must not overlap'],
  [
    'exit code 0 as a failure',
    { postCheck: { checks: [check({ exitCodes: [{ codes: '0-2', class: 'Fail' }] })] } },
    'exit code 0 cannot be Fail',
  ],
  [
    'an unknown class',
    { postCheck: { checks: [check({ exitCodes: [{ codes: '3', class: 'Error' }] })] } },
    'Unsupported value: "Error"',
  ],
  [
    'a reason with spaces',
    { postCheck: { checks: [check({ exitCodes: [{ codes: '3', class: 'Fail', reason: 'no way' }] })] } },
    'should match',
  ],
  [
    'a reason that decisions depend on',
    { postCheck: { checks: [check({ exitCodes: [{ codes: '3', class: 'Fail', reason: 'Aborted' }] })] } },
    'choose a name of your own',
  ],
  [
    'more output than is kept',
    { postCheck: { checks: [check({ maxOutputBytes: 8193 })] } },
    'less than or equal to 8192',
  ],
  ...[
    ['a command', check({ exec: { command: many(9, 'x'.repeat(4096)) } })],
    [
      'headers',
      { name: 'probe', httpGet: { port: 80, httpHeaders: many(9, { name: 'X', value: 'x'.repeat(4096) }) } },
    ],
    [
      'messages',
      check({
        exec: { command: many(7, 'x'.repeat(4096)) },
        exitCodes: many(32, { class: 'Retry', message: 'x'.repeat(256) }).map((code, codes) => ({
          ...code,
          codes,
        })),
      }),
    ],
  ].map(
    ([what, long]) =>
      [
        `checks as long as an object may be, by ${what}`,
        { postCheck: { checks: [long] } },
        'put long scripts into the image',
      ] as const,
  ),
  [
    'many short checks that are long together',
    {
      postCheck: {
        checks: many(16, 0).map((_, nth) =>
          check({ name: `c${nth}`, exec: { command: ['x'.repeat(2049)] } }),
        ),
      },
    },
    'more than 32768 characters together',
  ],
  ...[
    ['one long', { ['k'.repeat(16_400)]: '' }],
    ['many', Object.fromEntries(many(16, 0).map((_, nth) => [`${nth}-${'k'.repeat(1000)}`, 'v'.repeat(63)]))],
  ].map(
    ([what, matchLabels]) =>
      [
        `node labels as long as an object may be: ${what}`,
        { strategy: { stages: [{ name: 'lab', nodes: { matchLabels } }] } },
        'the node labels of all stages',
      ] as const,
  ),
  ['an unknown gate', { gate: 'Maybe' }, 'Unsupported value: "Maybe"'],
  ['an unknown fallback action', { fallback: { action: 'Delete' } }, 'Unsupported value: "Delete"'],
  ['a longer history than is kept', { historyLimit: 51 }, 'less than or equal to 50'],
  ['a negative period', { postCheck: { periodSeconds: -1 } }, 'greater than or equal to 1'],
  ['a misspelt field', { postchecks: {} }, 'unknown field "spec.postchecks"'],
  ['a field that does not exist', { canary: true }, 'unknown field "spec.canary"'],
];

// Each test runs kubectl several times, which takes seconds where many others work.
jest.setTimeout(120_000);

let api: ApiServer;

beforeAll(async () => {
  api = startApiServer();
  await installCrd(api);
}, 120_000);
afterAll(() => api?.stop());

/** What `kubectl apply` gives: the object as it would be stored, or the words it ends with. */
function apply(object: Json): { stored?: Json; refusal?: string } {
  try {
    return { stored: api.json<KubeObject>(['apply', '--dry-run=server', '-f', '-'], object) };
  } catch (error) {
    return { refusal: String((error as { stderr?: string }).stderr) };
  }
}

describe('an Upgrade is refused at kubectl apply, with a sentence that says what to write instead', () => {
  test.each(REFUSED)('%s', (_mistake, spec, sentence) => {
    expect(apply(upgrade(spec)).refusal).toContain(sentence);
  });
});

describe('an Upgrade is taken', () => {
  test('one with sixteen checks of two thousand characters', () => {
    const checks = many(16, 0).map((_, nth) =>
      check({ name: `c${nth}`, exec: { command: ['sh', '-c', 'x'.repeat(2000)] } }),
    );
    expect(apply(upgrade({ postCheck: { checks } })).stored).toBeDefined();
  });

  test('one that nobody has seen says so, as kstatus takes an object without a status for a finished one', () => {
    expect(apply(upgrade()).stored?.['status']).toEqual({ observedGeneration: -1 });
  });

  test('the smallest one gets every default', () => {
    expect(apply(upgrade()).stored?.['spec']).toEqual({
      targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      containers: [{ name: 'web', image: 'web:2' }],
      paused: false,
      gate: 'Auto',
      postCheck: {
        initialDelaySeconds: 0,
        periodSeconds: 10,
        successThreshold: 1,
        failureThreshold: 0,
        deadlineSeconds: 600,
        onInconclusive: 'Wait',
        readiness: { required: true, minReadySeconds: 0, maxRestarts: 2 },
      },
      fallback: { action: 'Rollback', scope: 'All', verify: true },
      historyLimit: 10,
    });
  });

  test.each<readonly [string, Json]>([
    ['readiness alone', { postCheck: { checks: [] } }],
    ['a check alone', { postCheck: { readiness: { required: false } } }],
    [
      'a check of each kind',
      {
        postCheck: {
          checks: [
            check(),
            {
              name: 'h',
              httpGet: { port: 'http', path: '/ready', httpHeaders: [{ name: 'X', value: 'y' }] },
            },
            { name: 't', tcpSocket: { port: 8080 } },
            { name: 'g', grpc: { port: 9000, service: 's' } },
          ],
        },
      },
    ],
    ['neighbouring exit codes', { postCheck: { checks: [codes('3-16', 17, '18-119')] } }],
    ['fields without a value', { paused: null, windows: null, postCheck: null, fallback: null }],
    ['checks without a value', { postCheck: { checks: null } }],
    ['a target without its API', { targetRef: { kind: 'Deployment', name: 'web' } }],
    [
      '32 exit-code rules on each of 16 checks',
      {
        postCheck: {
          checks: Array.from({ length: 16 }, (_, i) => ({
            ...codes(...Array.from({ length: 32 }, (_, c) => `${c + 3}`)),
            name: `c${i}`,
          })),
        },
      },
    ],
  ])('%s', (_name, spec) => {
    expect(apply(upgrade(spec)).refusal).toBeUndefined();
  });

  test.each([
    ...['Auto', 'Required', 'Disabled'].map((gate) => ({ gate })),
    ...['Rollback', 'Pause', 'None'].map((action) => ({ fallback: { action } })),
    ...['Wait', 'Fallback'].map((onInconclusive) => ({ postCheck: { onInconclusive } })),
    ...['Pass', 'Retry', 'Fail', 'Skip'].map((word) => ({
      postCheck: { checks: [check({ exitCodes: [{ codes: '3', class: word }] })] },
    })),
  ])('with every word that a field knows, also as YAML without quotes: %j', (spec) => {
    const yaml = JSON.stringify(upgrade(spec)).replace(
      /"(Auto|Required|Disabled|Rollback|Pause|None|Wait|Fallback|Pass|Retry|Fail|Skip)"/g,
      ' $1 ',
    );
    expect(() => api.kubectl(['apply', '--dry-run=server', '-f', '-'], yaml)).not.toThrow();
  });

  test('but its target cannot be changed afterwards', () => {
    api.kubectl(['apply', '-f', '-'], JSON.stringify(upgrade()));
    const moved = apply(upgrade({ targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'other' } }));
    expect(moved.refusal).toContain(
      'targetRef cannot be changed: delete this Upgrade and create another one',
    );
  });
});

test('a quota bounds how many Upgrades there are in a namespace', async () => {
  api.kubectl(['create', 'namespace', 'bounded']);
  api.kubectl(['create', 'quota', 'upgrades', '--hard=count/upgrades.postcheck.dev=0', '-n', 'bounded']);
  const metadata = { generateName: 'web-', namespace: 'bounded' };
  // It takes effect a moment later.
  await eventually(() => {
    expect(() => api.kubectl(['create', '-f', '-'], JSON.stringify({ ...upgrade(), metadata }))).toThrow(
      /is forbidden: (exceeded quota|status unknown for quota): upgrades/,
    );
    return true;
  });
}, 60_000);
