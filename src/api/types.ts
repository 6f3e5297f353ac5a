/** The Upgrade resource as code sees it: raw JSON from the API server, defaults applied, never mutated. */
import type { Static } from 'typebox';
import type { SpecSchema } from './schema-spec.ts';
import type { StatusSchema } from './schema-status.ts';

export type { Class, Phase } from './enums.ts';

/** Nothing is changed in place. */
type DeepReadonly<T> = T extends string
  ? T
  : T extends (infer U)[]
    ? readonly DeepReadonly<U>[]
    : T extends object
      ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
      : T;

export type UpgradeSpec = DeepReadonly<Static<typeof SpecSchema>>;
export type UpgradeStatus = DeepReadonly<Static<typeof StatusSchema>>;
export type Check = NonNullable<UpgradeSpec['postCheck']['checks']>[number];
export type ExitCodeRule = Check['exitCodes'][number];
export type Attempt = NonNullable<UpgradeStatus['attempt']>;
export type FallbackStatus = NonNullable<UpgradeStatus['fallback']>;
export type Condition = NonNullable<UpgradeStatus['conditions']>[number];
export type PodReport = NonNullable<UpgradeStatus['pods']>[number];
export type PodCheck = PodReport['checks'][number];
/** The results of one check in pods of the previous version. */
export type BaselineEntry = NonNullable<NonNullable<UpgradeStatus['from']>['baseline']>[number];
export type Counts = NonNullable<UpgradeStatus['counts']>;
export type ImageSet = NonNullable<UpgradeStatus['from']>;
export type StageStatus = NonNullable<UpgradeStatus['stages']>[number];
/** A place where a pod of the new version failed. */
export type LeftEntry = NonNullable<UpgradeStatus['left']>[number];
/** What the nodes of failed pods have in common, unlike those of verified pods. */
export type Explanation = NonNullable<UpgradeStatus['explained']>[number];
export type HistoryEntry = NonNullable<UpgradeStatus['history']>[number];
/** A cause, as data; core/report/cause-text.ts has the text. */
export type Cause = NonNullable<FallbackStatus['why']>;
export type Images = Readonly<Record<string, string>>;

export interface UpgradeMeta {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation: number;
  readonly creationTimestamp: string;
  readonly deletionTimestamp?: string;
  readonly finalizers?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Upgrade {
  readonly metadata: UpgradeMeta;
  readonly spec: UpgradeSpec;
  readonly status?: UpgradeStatus;
}
