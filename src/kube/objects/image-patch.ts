/** The JSON patch of a workload's images, and of a StatefulSet's partition. */
import { own } from '../../api/own.ts';
import type { DeploymentView, StatefulSetView, TemplateContainer, WorkloadView } from '../../api/views.ts';

/** Returns the patch, for exactly this generation of the workload: it names containers by their position. */
export const imagePatch = (
  { uid, generation, containers }: WorkloadView,
  images: Readonly<Record<string, string>>,
  partition?: number,
): object[] => [
  { op: 'test', path: '/metadata/uid', value: uid },
  { op: 'test', path: '/metadata/generation', value: generation },
  ...imagesAt('containers', containers.filter(isRegular), images),
  ...imagesAt(
    'initContainers',
    containers.filter((container) => !isRegular(container)),
    images,
  ),
  ...(partition === undefined
    ? []
    : [{ op: 'add', path: '/spec/updateStrategy/rollingUpdate/partition', value: partition }]),
];

const isRegular = ({ role }: TemplateContainer): boolean => role === 'regular';

const imagesAt = (
  list: string,
  containers: readonly TemplateContainer[],
  images: Readonly<Record<string, string>>,
): object[] =>
  containers.flatMap(({ name }, index) => {
    const value = own(images, name);
    return value === undefined
      ? []
      : [{ op: 'replace', path: `/spec/template/spec/${list}/${index}/image`, value }];
  });

/** Fields of a workload without a bearing on what is written to it: versions, who has written what, and the status. */
const WITHOUT_BEARING: ReadonlySet<string> = new Set<keyof DeploymentView | keyof StatefulSetView>([
  ...(['resourceVersion', 'generation', 'observedGeneration', 'imageManagers', 'holdsOurFields'] as const),
  ...([
    'updated',
    'ready',
    'available',
    'total',
    'misscheduled',
    'replicaFailure',
    'updateRevision',
  ] as const),
]);

/** Whether a patch that was decided on one of these is right for the other. Replicas matter to a partition only, which counts from the last one. */
export const isSameVersion = (one: WorkloadView, other: WorkloadView): boolean =>
  versionOf(one) === versionOf(other);

const versionOf = (workload: WorkloadView): string =>
  JSON.stringify(
    Object.entries(workload).filter(
      ([name]) => !(WITHOUT_BEARING.has(name) || (name === 'desired' && !('partition' in workload))),
    ),
  );
