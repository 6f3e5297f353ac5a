/** Output for machines: `-o json`, `yaml` and `name`. */
import { stringify } from 'yaml';
import { type Raw, record, text } from '../../../src/kube/client/json.ts';
import { Fault } from './fault.ts';
import type { Io } from './io.ts';
import { nearest } from './text.ts';

export const asYaml = (value: unknown): string =>
  stringify(value, { lineWidth: 0, aliasDuplicateObjects: false }).trimEnd();

export const asJson = (value: unknown): string => JSON.stringify(value, null, 2);

/** Throws a Fault if the verb does not have this format. */
export function checkFormat(format: string | undefined, known: readonly string[]): void {
  if (format === undefined || known.includes(format)) {
    return;
  }
  const meant = nearest(format, known);
  throw new Fault(
    `-o must be one of ${known.join(', ')}, not ${JSON.stringify(format)}${meant ? `; did you mean ${meant}?` : ''}`,
  );
}

/** Writes `value` if a machine-readable format was requested. Returns whether it did. */
export function forMachine(io: Io, format: string | undefined, value: unknown): boolean {
  if (format !== 'json' && format !== 'yaml') {
    return false;
  }
  io.out(format === 'json' ? asJson(value) : asYaml(value));
  return true;
}

/** Returns an object without managedFields. */
export function tidy(raw: Raw): Raw {
  const { managedFields: _fields, ...metadata } = record(raw.metadata);
  return { ...raw, metadata };
}

export const asList = (items: readonly Raw[]): Raw => ({
  apiVersion: 'v1',
  kind: 'List',
  metadata: { resourceVersion: '' },
  items: items.map(tidy),
});

export const upgradeName = (raw: Raw): string => `upgrade.postcheck.dev/${text(record(raw.metadata).name)}`;
