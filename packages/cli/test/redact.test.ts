import { expect, test } from '@jest/globals';
import { redacted, redactedText } from '../src/redact.ts';

test('removes the values of environment variables, headers and keys that look like secrets, and keeps their names', () => {
  expect(
    redacted({
      metadata: { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': 'all again' } },
      spec: {
        containers: [
          {
            env: [
              { name: 'DB', value: 'postgres://me:hunter2@db' },
              { name: 'KEY', valueFrom: { secretKeyRef: { name: 'keys', key: 'api' } } },
            ],
          },
        ],
        imagePullSecrets: [{ name: 'pull' }],
        volumes: [{ secret: { secretName: 'keys' } }],
        password: 'hunter2',
      },
    }),
  ).toEqual({
    metadata: { annotations: {} },
    spec: {
      containers: [
        {
          env: [
            { name: 'DB', value: '<removed>' },
            { name: 'KEY', valueFrom: { secretKeyRef: { name: 'keys', key: 'api' } } },
          ],
        },
      ],
      imagePullSecrets: [{ name: 'pull' }],
      volumes: [{ secret: { secretName: 'keys' } }],
      password: '<removed>',
    },
  });
});

test.each([
  ['Authorization: Bearer abc.def', 'Authorization: <removed>'],
  ['dial https://me:hunter2@host/path', 'dial https://<removed>@host/path'],
  ['DB_PASSWORD=hunter2 starting', 'DB_PASSWORD=<removed> starting'],
  ['{"apiKey": "k-123"}', '{"apiKey": "<removed>"}'],
  ['config: key tls.cert missing', 'config: key tls.cert missing'],
  ['a eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln b', 'a <removed> b'],
  ['-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4\n\nMII=\n-----END RSA PRIVATE KEY-----.', '<removed>.'],
  [`password:\n${' '.repeat(40)}hunter2`, `password:\n${' '.repeat(40)}<removed>`],
])('%s', (text, left) => {
  expect(redactedText(text)).toBe(left);
});
