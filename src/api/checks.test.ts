import { describe, expect, test } from '@jest/globals';
import { Value } from 'typebox/value';
import { specOf } from '../../test/support/snapshots.ts';
import { effectiveChecks } from './checks.ts';
import { Check } from './schema-check.ts';

describe('the checks of a pod', () => {
  test('without checks: the readiness script, with the defaults of the schema, and always the very same', () => {
    const [script, ...others] = effectiveChecks(specOf());
    expect(script).toEqual(
      Value.Default(Check, {
        name: 'readiness-probe',
        exec: { command: ['/usr/bin/readiness_probe.sh'] },
      }),
    );
    expect(others).toEqual([]);
    expect(effectiveChecks(specOf({ postCheck: { periodSeconds: 3 } }))[0]).toBe(script);
  });

  test('with checks: these alone; with an empty list: none', () => {
    const port = { name: 'port', tcpSocket: { port: 80 } };
    expect(effectiveChecks(specOf({ postCheck: { checks: [port] } })).map(({ name }) => name)).toEqual([
      'port',
    ]);
    expect(effectiveChecks(specOf({ postCheck: { checks: [] } }))).toEqual([]);
  });
});
