/** The sources of the picture of an attempt. */
import { own } from '../../../../src/api/own.ts';
import type { Scene } from '../scene.ts';
import type { Recording } from './recording.ts';

/** An event that the kubelet recorded about a pod. */
export interface PodNote {
  readonly uid: string;
  readonly reason: string;
  readonly at: number;
}

export interface NodeLabels {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface LaneSources {
  readonly scene: Scene;
  readonly recording: Recording;
  readonly notes: readonly PodNote[];
  readonly nodes: ReadonlyMap<string, NodeLabels>;
  readonly now: number;
}

const ZONE = 'topology.kubernetes.io/zone';

export const zoneOf = (node: string, nodes: LaneSources['nodes']): string =>
  own(nodes.get(node)?.labels, ZONE) ?? '';
