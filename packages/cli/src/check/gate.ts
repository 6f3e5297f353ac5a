/** Checks what adds the gate to new pods, whether a pod really gets it, and which gates are closed. */
import { GATE_POLICY, GROUP } from '../../../../src/api/names.ts';
import type { UpgradeSpec } from '../../../../src/api/types.ts';
import { podOwnerOf } from '../../../../src/core/workload/drivers.ts';
import { at, list, type Raw, record, text } from '../../../../src/kube/client/json.ts';
import { RESOURCES } from '../../../../src/kube/client/paths.ts';
import { decodeUpgrade } from '../../../../src/kube/objects/decode-upgrade.ts';
import type { Cluster } from '../cluster.ts';
import { gateCarrier } from '../gate.ts';
import { plural } from '../looks.ts';
import { closedGates } from '../verbs/gates.ts';
import { type CheckResult, failure, ok, unknown, warning } from './result.ts';

export async function checkGate(cluster: Cluster): Promise<CheckResult[]> {
  const carrier = await gateCarrier(cluster);
  if (carrier === 'None') {
    return [
      warning(
        `neither the gate policy nor the gate webhook ${GATE_POLICY} is installed: upgrades run without a gate (gate.carrier of the chart)`,
      ),
    ];
  }
  if (carrier === 'Unknown') {
    return [
      unknown(`cannot determine whether the gate policy or the gate webhook ${GATE_POLICY} is installed`),
    ];
  }
  const line =
    carrier === 'Policy'
      ? `gates are added by the admission policy ${GATE_POLICY}`
      : `gates are added by the operator's webhook ${GATE_POLICY}`;
  return [ok(line), ...(await tryGate(cluster))];
}

/** Sends a pod like those of a running attempt as a dry run, and checks whether it is returned with the gate. */
async function tryGate(cluster: Cluster): Promise<CheckResult[]> {
  let upgrades: readonly Raw[];
  try {
    upgrades = await cluster.list(RESOURCES.Upgrade);
  } catch (error) {
    return [unknown(`whether pods of an attempt get their gate: ${(error as Error).message}`)];
  }
  const gating = upgrades.find((raw) => at(raw, 'status', 'attempt', 'gating') === true);
  if (!gating) {
    return [ok('no running attempt has a gate, so no trial pod was sent')];
  }
  const { kind, name } = record(at(gating, 'spec', 'targetRef'));
  const namespace = text(at(gating, 'metadata', 'namespace'));
  const answer = await cluster.try({
    method: 'POST',
    target: { resource: RESOURCES.Pod, namespace },
    query: { dryRun: 'All' },
    body: trialPod(decodeUpgrade(gating).spec),
  });
  const where = `of ${text(kind)} ${namespace}/${text(name)}`;
  if (!answer.ok) {
    return [unknown(`a trial pod ${where}: ${answer.failure.message}`)];
  }
  const gates = list(at(answer.body, 'spec', 'readinessGates')).map((one) => text(record(one).conditionType));
  return [
    gates.includes(`${GROUP}/verified`)
      ? ok(`a trial pod ${where} (dry run) got its readiness gate`)
      : failure(
          `a trial pod ${where} (dry run) got no readiness gate: new pods of its attempt serve unverified`,
        ),
  ];
}

function trialPod({ targetRef, containers }: UpgradeSpec): object {
  const hash = 'trial';
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: 'postcheck-trial-',
      labels: { 'pod-template-hash': hash },
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          ...podOwnerOf(targetRef, hash),
          uid: '00000000-0000-4000-8000-000000000000',
          controller: true,
        },
      ],
    },
    spec: {
      containers: containers.map(({ name, image }) => ({ name, image })),
    },
  };
}

export async function checkClosedGates(cluster: Cluster): Promise<CheckResult[]> {
  try {
    const all = await closedGates(cluster, undefined);
    const orphans = all.filter(({ upgrade }) => upgrade === undefined);
    const line =
      all.length === 0
        ? 'no closed gates'
        : `${plural(all.length, 'closed gate')}, ${orphans.length} of them not needed by any attempt`;
    return [orphans.length > 0 ? warning(`${line}: kubectl postcheck gates -A`) : ok(line)];
  } catch (error) {
    return [unknown(`closed gates: ${(error as Error).message}`)];
  }
}
