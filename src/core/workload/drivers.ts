/** The driver of each kind, and nothing else. */
import type { WorkloadKind, WorkloadView } from '../../api/views.ts';
import { daemonSet } from './daemon-set.ts';
import { deployment } from './deployment.ts';
import type { Driver } from './driver.ts';
import { statefulSet } from './stateful-set.ts';

const DRIVERS: { readonly [K in WorkloadKind]: Driver<Extract<WorkloadView, { kind: K }>> } = {
  Deployment: deployment,
  StatefulSet: statefulSet,
  DaemonSet: daemonSet,
};

/** The driver for a view. A view's kind chooses it, so it may be given that very view. */
export const driverOf = ({ kind }: WorkloadView): Driver => DRIVERS[kind] as Driver;
