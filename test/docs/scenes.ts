/** How each situation that has a runbook comes about. The page must begin with the sentence that comes of it. */
import type { Plan } from '../../src/core/decision/decide.ts';
import { addAnswer, type QueryRecord } from '../../src/core/rollout/rollout-checks.ts';
import type { TryOutcome } from '../../src/core/verification/exit-codes.ts';
import { STATUS_CHANGED } from '../../src/engine/brake.ts';
import { failureOf } from '../../src/kube/client/errors.ts';
import { NEW, OLD, Stage } from '../support/stage.ts';

const DEADLINE_SECONDS = 600;
const PROGRESS_DEADLINE_SECONDS = 900;
const ERRORS = {
  name: 'errors',
  query: 'sum(rate(errors_total{pod=~"{{newPods}}"}[5m]))',
  passWhen: '< 0.05',
};
const GOOD: TryOutcome = { kind: 'exit', code: 0, output: '' };
/** The line that the readiness script ends its output with. */
const result = (stage: string, code: number): string => `postcheck: stage=${stage} code=${code}\n`;
const exit = (code: number, output = ''): TryOutcome => ({ kind: 'exit', code, output });

/** An attempt whose pods run. */
function rolled(stage = new Stage()): Stage {
  stage.settle();
  return stage;
}

/** Every try says this until the pods' deadline is over. */
function until(stage: Stage, outcome: TryOutcome): Stage {
  rolled(stage).hears(outcome).settle();
  stage.seconds(DEADLINE_SECONDS).hears(outcome).decide();
  return stage;
}

/** The attempt fails by this, and the version before passes. */
function fallsBack(stage: Stage, outcome: TryOutcome): Plan {
  until(stage, outcome).settle();
  return stage.hears(GOOD).settle();
}

/** The pods as they are end the attempt; the version before passes. */
function brokenPods(stage: Stage, change: Parameters<Stage['containers']>[0]): Plan {
  rolled(stage).containers(change).settle();
  return stage.hears(GOOD).settle();
}

const blocked = (...stage: ConstructorParameters<typeof Stage>): Plan => new Stage(...stage).settle();

function seeing(also: Stage['also'], spec = {}): Plan {
  const stage = new Stage(spec);
  stage.also = also;
  return stage.settle();
}

function refused(status: number, reason: 'Forbidden' | 'Refused', said: string): Plan {
  const stage = rolled();
  const body = JSON.stringify({ kind: 'Status', message: said });
  const { message } = failureOf({ status, body }, 'PATCH deployments shop/web', stage.now);
  stage.also = { refusal: { reason, message } };
  return stage.decide();
}

function failing(action: string): Plan {
  const stage = until(new Stage({ fallback: { action } }), exit(17));
  return stage.settle();
}

/** By page: the last thing decided. */
export const SCENES: Readonly<Record<string, () => Plan>> = {
  TargetNotFound: () => {
    const stage = new Stage();
    stage.workload = undefined;
    return stage.settle();
  },
  WorkloadTooLong: () => blocked({}, { isTooLong: true, containers: [] }),
  ContainerNotFound: () => blocked({ containers: [{ name: 'wbe', image: NEW }] }),
  InvalidCheckContainer: () =>
    blocked({
      postCheck: { checks: [{ name: 'schema', exec: { command: ['/check'] }, containers: ['migrate'] }] },
    }),
  TargetClaimed: () => seeing({ claimedBy: 'web-old' }),
  WorkloadPaused: () => blocked({}, { paused: true }),
  StagesUnsupported: () =>
    blocked({ strategy: { stages: [{ name: 'canary', pods: 1 }] } }, { kind: 'DaemonSet', onDelete: false }),
  TimeZoneUnknown: () =>
    blocked({ windows: [{ start: '22:00', durationSeconds: 3600, timeZone: 'Asia/Taipeh' }] }),
  DependencyNotFound: () => seeing({ upgradeNamed: () => undefined }, { dependsOn: [{ name: 'database' }] }),
  PrometheusMissing: () => seeing({ hasPrometheus: false }, { postCheck: { rolloutChecks: [ERRORS] } }),
  RolloutCheckFailed: () => {
    const stage = rolled(new Stage({ postCheck: { rolloutChecks: [ERRORS] } }));
    stage.hears(GOOD).settle();
    let answer: QueryRecord | undefined;
    stage.also = { queryRecord: () => answer };
    for (let round = 0; round < 3; round++) {
      const [query] = stage.seconds(10).decide().queries;
      answer = query && addAnswer(answer, query, stage.now, { kind: 'values', values: [0.12] });
    }
    stage.settle();
    return stage.hears(GOOD).settle();
  },
  DependencyCycle: () => {
    const stage = new Stage({ dependsOn: [{ name: 'database' }] });
    const { upgrade } = new Stage({ dependsOn: [{ name: 'web' }] });
    stage.also = { upgradeNamed: () => upgrade };
    return stage.settle();
  },
  ScopeUnsupported: () =>
    blocked(
      {
        strategy: { failureBudget: { maxFailed: 1 } },
        fallback: { scope: 'FailedPods' },
      },
      { kind: 'DaemonSet', onDelete: false },
    ),
  PartitionSet: () => {
    const stage = rolled(new Stage({}, { kind: 'StatefulSet', partition: 2 }));
    return stage.hears(GOOD).settle();
  },
  ImagesTooLong: () => {
    const stage = new Stage();
    const image = `registry.example/${'a'.repeat(983)}`;
    const workers = Array.from({ length: 20 }, (_, i) => ({ name: `worker-${i}`, image }) as const);
    const containers = [{ name: 'web', image: OLD }, ...workers].map((container) => ({
      ...container,
      role: 'regular' as const,
      startupProbe: false,
    }));
    stage.workload = stage.workload && { ...stage.workload, containers };
    return stage.settle();
  },
  GateUnavailable: () => seeing({ gateCarrier: 'None' }, { gate: 'Required' }),
  Forbidden: () =>
    refused(
      403,
      'Forbidden',
      'deployments.apps "web" is forbidden: User "system:serviceaccount:postcheck-system:postcheck" cannot patch resource "deployments" in API group "apps" in the namespace "shop"',
    ),
  NoEffect: () => {
    const stage = rolled();
    stage.also = { refusal: STATUS_CHANGED };
    return stage.decide();
  },
  Refused: () =>
    refused(
      422,
      'Refused',
      'admission webhook "images.example.com" denied the request: registry.example is not allowed',
    ),
  Paused: () => blocked({ paused: true }),
  BaselineFailed: () => {
    const stage = new Stage({ preCheck: { baseline: 'RequirePass' } });
    stage.settle();
    return stage.hears(exit(17)).settle();
  },
  ImageConflict: () => rolled().foreignImage('registry.example/web:1.8', 'argocd-controller').settle(),
  ImageRewritten: () => {
    const stage = new Stage();
    stage.setsBack = true;
    return stage.settle();
  },
  Drifted: () => {
    const stage = rolled();
    stage.hears(GOOD).settle();
    return stage.foreignImage('registry.example/web:1.8', 'kubectl-set').settle();
  },
  FallbackPaused: () => failing('Pause'),
  FallbackDisabled: () => failing('None'),
  NoFallbackTarget: () => {
    const stage = new Stage({ containers: [{ name: 'web', image: OLD }] });
    return until(stage, exit(17)).settle();
  },
  Aborted: () => {
    const stage = rolled();
    stage.upgrade = {
      ...stage.upgrade,
      metadata: { ...stage.upgrade.metadata, annotations: { 'postcheck.dev/abort': 'now' } },
    };
    stage.settle();
    return stage.hears(GOOD).settle();
  },
  Partial: () => {
    const strategy = { failureBudget: { maxFailed: 1 } };
    const stage = rolled(new Stage({ strategy }, { kind: 'DaemonSet', onDelete: true }));
    stage.hears(GOOD, ({ node }) => node !== 'node-3').settle();
    return stage.seconds(DEADLINE_SECONDS).hears(exit(17)).settle();
  },
  FellBack: () => fallsBack(new Stage(), exit(17)),
  FallbackFailed: () => {
    const stage = until(new Stage(), exit(17));
    stage.settle();
    stage.hears(exit(17)).settle();
    return stage.seconds(DEADLINE_SECONDS).hears(exit(17)).settle();
  },
  PodsRefused: () => {
    const stage = rolled();
    stage.pods = [];
    const replicaFailure =
      'admission webhook "signatures.example.com" denied the request: registry.example/web:2.0 is not signed';
    if (stage.workload) {
      stage.workload = { ...stage.workload, updated: 0, available: 0, replicaFailure };
    }
    stage.seconds(PROGRESS_DEADLINE_SECONDS).settle();
    if (stage.workload) {
      stage.workload = { ...stage.workload, updated: 3, available: 3 };
    }
    return stage.hears(GOOD).settle();
  },
  NoProgress: () => {
    const stage = until(new Stage(), exit(17));
    stage.settle();
    stage.pods = [];
    if (stage.workload) {
      stage.workload = { ...stage.workload, updated: 0, replicaFailure: 'exceeded quota: compute' };
    }
    return stage.seconds(PROGRESS_DEADLINE_SECONDS).settle();
  },
  Inconclusive: () => {
    const stage = until(new Stage(), {
      kind: 'unreachable',
      message: 'the connection was closed without a status',
    });
    return stage.settle();
  },
  InconclusiveAtDeadline: () =>
    fallsBack(new Stage({ postCheck: { onInconclusive: 'Fallback' } }), {
      kind: 'unreachable',
      message: 'the connection was closed without a status',
    }),
  NodeUnreachable: () => {
    const stage = rolled();
    stage.lostNodes = ['node-3'];
    return stage.settle();
  },
  PodEnded: () => {
    const stage = rolled();
    const ended = {
      phase: 'Failed',
      reason: 'Evicted',
      message: 'The node was low on resource: memory. ',
    } as const;
    stage.pods = stage.pods.slice(0, 1).map((pod) => ({ ...pod, ...ended, createdAt: stage.now }));
    return stage.seconds(PROGRESS_DEADLINE_SECONDS).settle();
  },
  PodTerminating: () => {
    const old = new Stage().pods[2];
    const stage = rolled(new Stage({}, { kind: 'StatefulSet' }));
    stage.pods = [...stage.pods.slice(0, 2), ...(old ? [{ ...old, deleting: true }] : [])];
    stage.hears(GOOD, ({ deleting }) => !deleting).settle();
    return stage.seconds(PROGRESS_DEADLINE_SECONDS).decide();
  },
  ImageChanged: () => {
    const stage = rolled();
    stage.pods = stage.pods.map((pod, index) => {
      const containers = pod.containers.map((container) => ({ ...container, image: `${OLD}-debug` }));
      return index === 0 ? { ...pod, specChanges: 1, imagesChanged: ['web'], containers } : pod;
    });
    stage.hears(GOOD).settle();
    return stage.seconds(DEADLINE_SECONDS).settle();
  },
  Unschedulable: () => {
    const stage = rolled();
    const message = '0/3 nodes are available: 3 Insufficient memory.';
    stage.containers({ id: '', state: 'waiting', reason: 'ContainerCreating' });
    stage.pods = stage.pods.map((pod) => ({
      ...pod,
      node: '',
      phase: 'Pending',
      conditions: { PodScheduled: { status: 'False', reason: 'Unschedulable', message, since: stage.now } },
    }));
    stage.settle();
    stage.seconds(DEADLINE_SECONDS);
    return stage.hearsNothing().settle();
  },
  GateMissed: () => {
    const stage = rolled();
    stage.pods = stage.pods.map((pod) => ({ ...pod, gates: [] }));
    return stage.hears(exit(17)).settle();
  },
  AllSkipped: () => {
    const command = ['/usr/bin/readiness_probe.sh'];
    const checks = [{ name: 'readiness-probe', exec: { command }, whenMissing: 'Skip' }];
    return rolled(new Stage({ postCheck: { checks } }))
      .hears({ kind: 'missing' })
      .settle();
  },
  PostCheckChanged: () => {
    const stage = rolled();
    stage.hears(GOOD).settle();
    const postCheck = { ...stage.upgrade.spec.postCheck, checks: [] };
    stage.upgrade = { ...stage.upgrade, spec: { ...stage.upgrade.spec, postCheck } };
    return stage.settle();
  },
  NoPods: () => blocked({}, { desired: 0, updated: 0, ready: 0, available: 0, total: 0 }),
  ProbeFailed: () => fallsBack(new Stage(), exit(17)),
  StartServiceNotDone: () => fallsBack(new Stage(), exit(2, result('supervisor', 2))),
  ProbeHookCrashed: () => fallsBack(new Stage(), exit(1, result('hook', 1))),
  ProbeHookNotRunnable: () => fallsBack(new Stage(), exit(126, result('hook', 126))),
  ProbeKilled: () => fallsBack(new Stage(), exit(137)),
  ProbeTimedOut: () => fallsBack(new Stage(), { kind: 'timeout', output: '' }),
  ProbeUnconnected: () => {
    const stage = new Stage({ postCheck: { checks: [{ name: 'home-page', httpGet: { port: 8080 } }] } });
    rolled(stage).containers({ ready: false }).settle();
    const message = 'connect to 10.0.0.1:8080: connection refused';
    stage.seconds(DEADLINE_SECONDS).hears({ kind: 'unconnected', message }).settle();
    return stage.hears({ kind: 'answered', good: true, output: 'HTTP 200' }).settle();
  },
  CommandMissing: () => {
    const stage = rolled();
    stage.hears({ kind: 'missing' }).settle();
    return stage.hears(GOOD).settle();
  },
  CommandNotRunnable: () => {
    const stage = rolled();
    stage.hears({ kind: 'unrunnable', why: 'NoInterpreter' }).settle();
    return stage.hears(GOOD).settle();
  },
  Initializing: () => {
    const stage = rolled();
    const startedAt = stage.now;
    stage.containers({ id: '', state: 'waiting', reason: 'PodInitializing' });
    stage.pods = stage.pods.map((pod) => ({
      ...pod,
      containers: pod.containers.flatMap((one) => [
        one,
        { ...one, name: 'wait-for-db', role: 'init', state: 'running', reason: '', startedAt },
      ]),
    }));
    return stage.settle();
  },
  TooManyRestarts: () =>
    brokenPods(new Stage(), {
      restarts: 3,
      exitCode: 137,
      ended: { reason: 'OOMKilled', message: '', byRule: false },
      state: 'waiting',
      reason: 'CrashLoopBackOff',
    }),
  ErrImagePull: () => {
    const stage = rolled();
    const message = 'failed to resolve registry.example/web:2.0: not found';
    stage.containers({ id: '', state: 'waiting', reason: 'ErrImagePull', message }).seconds(61).settle();
    return stage.hears(GOOD).settle();
  },
  CreateContainerConfigError: () => {
    const stage = rolled();
    const message =
      'container has runAsNonRoot and image will run as root (pod: "web-746d-a_shop(1f0c)", container: web)';
    stage
      .containers({ id: '', state: 'waiting', reason: 'CreateContainerConfigError', message })
      .seconds(31)
      .settle();
    return stage.hears(GOOD).settle();
  },
  NotReady: () => {
    const stage = rolled();
    stage.containers({ ready: false }).hears(GOOD).settle();
    stage.seconds(DEADLINE_SECONDS).hears(GOOD).settle();
    return stage.hears(GOOD).settle();
  },
};
