/** Probes a container once, or runs its probes continuously like kubelet's workers. */
export { type ProbeClock, type ProbeJob, ProbeManager, type ProbePorts, type WorkerKey } from './manager.ts';
export { type ProbeEvent, type ProbeType, type ProbeVerdict, probe, verdictOf } from './prober.ts';
export type { ProbeLimits, ProbeOutcome, ProbeResult } from './result.ts';
export type { ContainerPort, ProbeHandler, ProbeTarget } from './spec.ts';
export type { ProbedContainer, ProbedPod, WorkerSpec } from './worker.ts';
