import type { DeploymentView } from '../../api/views.ts';
import { type Driver, nameOf, revisionOfTemplate } from './driver.ts';

/** A Deployment replaces pods through ReplicaSets; of several with the template it uses the oldest. */
export const deployment: Driver<DeploymentView> = {
  obstacle: (view) =>
    view.paused
      ? {
          reason: 'WorkloadPaused',
          message: `${nameOf(view)} is paused, so nothing rolls: run \`kubectl rollout resume deployment/${view.name}\``,
        }
      : undefined,
  updateRevision: (view, revisions) =>
    revisionOfTemplate(view, revisions, (a, b) => a.createdAt - b.createdAt),
  unreachableNodes: () => [],
  refusalIn: 'status',
  blockingPod: () => undefined,
  inReplacementOrder: (pods) => [...pods],
  placeOf: ({ name }) => name,
  partition: () => undefined,
  othersSetPartition: () => false,
  mendStages: () => 'it replaces all pods at once; set strategy.type to RollingUpdate',
  lever: ({ recreates }) => (recreates ? 'none' : 'gate'),
};
