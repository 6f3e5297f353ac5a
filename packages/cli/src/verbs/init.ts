/** `init`: prints an Upgrade for an existing workload, with the check that its image supports. */

import { kubectl } from '../../../../src/api/kubectl.ts';
import type { WorkloadKind } from '../../../../src/api/views.ts';
import type { ExecResult } from '../../../../src/core/verification/exec-result.ts';
import { isLive, isReady } from '../../../../src/core/workload/pods.ts';
import { at, list, type Raw, record, text } from '../../../../src/kube/client/json.ts';
import { RESOURCES } from '../../../../src/kube/client/paths.ts';
import { decodePod } from '../../../../src/kube/objects/decode-pod.ts';
import type { Cluster } from '../cluster.ts';
import { Fault } from '../fault.ts';
import type { Io } from '../io.ts';
import { asJson, asYaml, checkFormat } from '../output.ts';
import { selectorText } from '../scene.ts';
import { readName } from '../upgrades.ts';

export interface InitOptions {
  readonly output?: string;
  /** False with `--no-exec`: only read the manifest. */
  readonly exec?: boolean;
}

const SCRIPT = '/usr/bin/readiness_probe.sh';

/** The checks for the workload, and why they were chosen. */
interface Choice {
  readonly checks: readonly object[] | undefined;
  readonly because: string;
}

export async function init(io: Io, cluster: Cluster, word: string, options: InitOptions): Promise<number> {
  checkFormat(options.output, ['yaml', 'json']);
  const { kind, name } = readName(word);
  if (kind === 'Upgrade') {
    throw new Fault(`include the kind of the workload, such as deployment/${name}`);
  }
  const { namespace } = cluster;
  const raw = await cluster.read({ resource: RESOURCES[kind], namespace, name });
  const upgradeName = await freeName(cluster, kind, name);
  const containers = list(at(raw, 'spec', 'template', 'spec', 'containers')).map(record);
  const choice = await choose(cluster, raw, containers, options);
  const manifest = {
    apiVersion: 'postcheck.dev/v1alpha1',
    kind: 'Upgrade',
    metadata: { name: upgradeName, namespace },
    spec: {
      targetRef: { apiVersion: 'apps/v1', kind, name },
      containers: containers.map((one) => ({ name: text(one.name), image: text(one.image) })),
      ...(choice.checks === undefined ? {} : { postCheck: { checks: choice.checks } }),
    },
  };
  if (options.output === 'json') {
    io.out(asJson(manifest));
    return 0;
  }
  io.out(`# ${choice.because}`);
  io.out(
    '# Applied unchanged, it verifies the running images and changes nothing; set another image to roll it out.',
  );
  io.out(asYaml(manifest));
  return 0;
}

/** Returns an unused name for the Upgrade; throws a Fault if the workload already has an Upgrade. Not checked if the caller cannot list them. */
async function freeName(cluster: Cluster, kind: WorkloadKind, name: string): Promise<string> {
  const existing = await cluster.list(RESOURCES.Upgrade, cluster.namespace).catch(() => []);
  const names = existing.map((one) => text(at(one, 'metadata', 'name')));
  const index = existing.findIndex((one) => {
    const target = record(at(one, 'spec', 'targetRef'));
    return target.kind === kind && target.name === name;
  });
  if (index >= 0) {
    const known = names[index] ?? '';
    throw new Fault(
      `Upgrade ${known} already acts on ${kind} ${name}: \`${kubectl(cluster.namespace, 'get', 'upgrade', known, '-o', 'yaml')}\` prints it, \`${kubectl(cluster.namespace, 'postcheck', 'set', 'image', known, 'CONTAINER=IMAGE')}\` rolls out another image`,
    );
  }
  return names.includes(name) ? `${name}-${kind.toLowerCase()}` : name;
}

async function choose(
  cluster: Cluster,
  raw: Raw,
  containers: readonly Raw[],
  options: InitOptions,
): Promise<Choice> {
  const script = options.exec === false ? undefined : await hasScript(cluster, raw, containers);
  if (script === true) {
    return { checks: undefined, because: `The image has ${SCRIPT}, which runs by default.` };
  }
  const absent =
    script === false ? `The image has no ${SCRIPT}; ` : `It is unknown whether the image has ${SCRIPT}; `;
  const checks = containers.flatMap(checkOf);
  if (checks.length > 0) {
    return {
      checks,
      because: `${absent}the check makes the same request as its readiness probe instead.`,
    };
  }
  // The default check decides at each pod: readiness alone where no version has the script.
  if (script === undefined) {
    return {
      checks: undefined,
      because: `It is unknown whether the image has ${SCRIPT}, which runs by default; where no version has it, readiness alone decides.`,
    };
  }
  const ready = containers.some(({ readinessProbe }) => readinessProbe !== undefined);
  return {
    checks: [],
    because: ready
      ? `${absent}without a check its own readiness probe decides.`
      : `${absent}it has no readiness probe either, so a running container passes: add a check.`,
  };
}

/** Converts a readiness probe over the network to a check; one that runs a command is part of readiness already. */
function checkOf(container: Raw): object[] {
  const { httpGet, tcpSocket, grpc } = record(container.readinessProbe);
  const name = 'readiness';
  if (httpGet) {
    const { port, path, scheme } = record(httpGet);
    return [
      { name, httpGet: { port, ...(path ? { path } : {}), ...(scheme === 'HTTPS' ? { scheme } : {}) } },
    ];
  }
  if (grpc) {
    const { port, service } = record(grpc);
    return [{ name, grpc: { port, ...(service ? { service } : {}) } }];
  }
  return tcpSocket ? [{ name, tcpSocket: { port: record(tcpSocket).port } }] : [];
}

/** Runs the script once in a Ready pod; returns `undefined` if that is not possible. */
async function hasScript(
  cluster: Cluster,
  raw: Raw,
  containers: readonly Raw[],
): Promise<boolean | undefined> {
  const { namespace } = cluster;
  const labelSelector = selectorText(at(raw, 'spec', 'selector'));
  const pods = await cluster
    .list(RESOURCES.Pod, namespace, { labelSelector })
    .catch((): readonly Raw[] => []);
  const pod = pods.map(decodePod).find((one) => isLive(one) && isReady(one));
  const [first] = containers;
  if (!pod || !first) {
    return undefined;
  }
  const result = await cluster.executor.exec(
    {
      namespace,
      pod: pod.name,
      container: text(first.name),
      command: [SCRIPT],
      timeoutMs: 10_000,
      maxOutputBytes: 1024,
    },
    new AbortController().signal,
  );
  return answerOf(result);
}

function answerOf(result: ExecResult): boolean | undefined {
  if (result.kind === 'missing') {
    return false;
  }
  return result.kind === 'exit' || result.kind === 'timeout' ? true : undefined;
}
