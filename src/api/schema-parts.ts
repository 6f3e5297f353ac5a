/** Parts that the schemas of the Upgrade API are composed of. */
import { type TSchemaOptions, Type } from 'typebox';

/** A CEL rule (`x-kubernetes-validations`); the message says what to write instead. */
export const rules = (...list: { rule: string; message: string; fieldPath?: string }[]): TSchemaOptions => ({
  'x-kubernetes-validations': list,
});
/**
 * The characters that printable.ts always removes from foreign text: a spec does not need them, and they could change how a terminal shows a message, or
 * hide in it.
 */
export const UNPRINTABLE =
  '\\u0001-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u061c\\u115f-\\u1160\\u17b4-\\u17b5\\u180b-\\u180f\\u200b' +
  '\\u200e-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ufe00-\\ufe0d\\ufeff\\uffa0\\ufff0-\\ufffb' +
  '\\U0001bca0-\\U0001bca3\\U0001d173-\\U0001d17a\\U000e0000-\\U000e0fff';

/** Text that messages quote: one line, without control and invisible characters. */
export const quotable = (message: string): TSchemaOptions =>
  rules({ rule: `!self.matches('[${UNPRINTABLE}]')`, message });

export const listMap = (key: string): TSchemaOptions => ({
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': [key],
});
export const oneOf = <T extends string>(values: readonly T[], options: TSchemaOptions) =>
  Type.Unsafe<T>({ type: 'string', enum: [...values], ...options });
export const seconds = (description: string, options: TSchemaOptions = {}) =>
  Type.Integer({ minimum: 0, maximum: 604800, format: 'int32', description, ...options });
export const count = (description: string) => Type.Integer({ minimum: 0, format: 'int32', description });
export const time = (description: string) => Type.String({ format: 'date-time', description });
export const text = (description: string, maxLength = 4096) => Type.String({ maxLength, description });
export const images = (description: string) =>
  Type.Record(Type.String(), Type.String({ maxLength: 1024 }), { description });

/** A count of pods from 1, or a percentage of them. */
export const amount = (description: string) =>
  Type.Unsafe<number | string>({
    'x-kubernetes-int-or-string': true,
    maxLength: 16,
    description,
    ...rules({
      rule: "type(self) == int ? self >= 1 : self.matches('^(100|[1-9][0-9]?)%$')",
      message: 'write a count from 1, or a percentage from 1% to 100%',
    }),
  });

/** A count of pods from 0, or a percentage of them. */
export const amountFromNone = (description: string) =>
  Type.Unsafe<number | string>({
    'x-kubernetes-int-or-string': true,
    maxLength: 16,
    description,
    ...rules({
      rule: "type(self) == int ? self >= 0 : self.matches('^(100|[1-9]?[0-9])%$')",
      message: 'write a count from 0, or a percentage from 0% to 100%',
    }),
  });

export const name63 = { minLength: 1, maxLength: 63, pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$' };
