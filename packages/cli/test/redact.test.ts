import { expect, test } from '@jest/globals';
import { redacted, redactedText } from '../src/redact.ts';

test('values of the environment, headers and keys that sound like secrets are left out, names are kept', () => {
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
            { name: 'DB', value: '<left out>' },
            { name: 'KEY', valueFrom: { secretKeyRef: { name: 'keys', key: 'api' } } },
          ],
        },
      ],
      imagePullSecrets: [{ name: 'pull' }],
      volumes: [{ secret: { secretName: 'keys' } }],
      password: '<left out>',
    },
  });
});

test.each([
  ['Authorization: Bearer abc.def', 'Authorization: <left out>'],
  ['dial https://me:hunter2@host/path', 'dial https://<left out>@host/path'],
  ['DB_PASSWORD=hunter2 starting', 'DB_PASSWORD=<left out> starting'],
  ['{"apiKey": "k-123"}', '{"apiKey": "<left out>"}'],
  ['config: key tls.cert missing', 'config: key tls.cert missing'],
])('%s', (text, left) => {
  expect(redactedText(text)).toBe(left);
});
