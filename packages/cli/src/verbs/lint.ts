/** `lint`: validates manifests without a cluster; with `--live` also against the cluster. */
import type { Upgrade, UpgradeSpec } from '../../../../src/api/types.ts';
import type { WorkloadView } from '../../../../src/api/views.ts';
import { claimOrder } from '../../../../src/core/claim.ts';
import type { Dependent } from '../../../../src/core/decision/dependencies.ts';
import { obstacleText } from '../../../../src/core/report/obstacle-text.ts';
import { type CompleteUpgrade, completeUpgrade } from '../../../../src/core/snapshot.ts';
import { attemptObstacle, targetClaimed, targetNotFound } from '../../../../src/core/workload/obstacles.ts';
import { at, type Raw, record, text } from '../../../../src/kube/client/json.ts';
import { RESOURCES } from '../../../../src/kube/client/paths.ts';
import { decodeUpgrade } from '../../../../src/kube/objects/decode-upgrade.ts';
import { decodeWorkload } from '../../../../src/kube/objects/decode-workload.ts';
import type { Cluster } from '../cluster.ts';
import { EXIT, Fault } from '../fault.ts';
import { gateCarrier } from '../gate.ts';
import type { Io } from '../io.ts';
import { type Finding, lintText } from '../lint.ts';
import { emptyStages, missingDependencies, type Said, withoutEffect } from '../lint-effects.ts';
import { companions, findingsTogether, type InFile, type Report, reportOf } from '../lint-together.ts';
import { plural } from '../looks.ts';
import { checkFormat } from '../output.ts';
import { filesAt, readText } from '../read.ts';
import { selectorText } from '../scene.ts';

export interface LintOptions {
  readonly filename?: readonly string[];
  readonly live?: boolean;
  readonly output?: string;
}

interface Source {
  readonly file: string;
  readonly text: string;
}

/** Validates the manifests. `cluster` is given only with `--live`. */
export async function lint(io: Io, options: LintOptions, cluster?: Cluster): Promise<number> {
  checkFormat(options.output, ['json', 'sarif']);
  if (!options.filename || options.filename.length === 0) {
    throw new Fault('specify the manifests with -f FILE, -f FOLDER, or -f - for standard input');
  }
  const sources = (await Promise.all(options.filename.map((name) => read(io, name)))).flat();
  const linted = sources.map(({ file, text: all }) => ({ file, ...lintText(file, all) }));
  const upgrades = linted.flatMap(({ file, upgrades: some }) => some.map((one) => ({ file, ...one })));
  const live = cluster
    ? (
        await Promise.all(
          upgrades
            .filter(({ findings }) => !findings.some(isError))
            .map((one) => validateLive(cluster, one, upgrades)),
        )
      ).flat()
    : [];
  const findings = [...linted.flatMap(({ findings: some }) => some), ...findingsTogether(upgrades), ...live];
  print(io, findings, options.output);
  if (upgrades.length === 0 && findings.length === 0) {
    throw new Fault(
      sources.length > 0
        ? `no Upgrade in ${sources.map(sourceText).join(', ')}`
        : `no file in ${options.filename.join(', ')} ends in .yaml, .yml or .json; folders inside a folder are not read`,
    );
  }
  if (options.output === undefined) {
    const errors = findings.filter(isError).length;
    io.note(
      `${plural(upgrades.length, 'Upgrade')} in ${plural(sources.length, 'file')}: ${plural(errors, 'error')}, ${plural(findings.length - errors, 'warning')}`,
    );
  }
  return findings.some(isError) ? EXIT.fault : EXIT.ok;
}

const isError = ({ level }: Finding): boolean => level === 'error';

const sourceText = ({ file, text: all }: Source): string =>
  all.trim() === '' ? `${file}, which is empty` : file;

async function read(io: Io, name: string): Promise<Source[]> {
  if (name === '-') {
    return [{ file: 'stdin', text: await io.input() }];
  }
  if (/^https?:\/\//.test(name)) {
    throw new Fault(`cannot read ${name}: download it, and pipe it to \`lint -f -\``);
  }
  const files = await filesAt(name, /\.(ya?ml|json)$/);
  return await Promise.all(files.map(async (file) => ({ file, text: await readText(file) })));
}

/** Validates an Upgrade against the cluster: with a dry run, and its target, gate and the author's permissions. */
async function validateLive(cluster: Cluster, one: InFile, all: readonly InFile[]): Promise<Finding[]> {
  const { manifest } = one;
  const report = reportOf(one);
  const metadata = record(manifest.metadata);
  const namespace = text(metadata.namespace) || cluster.namespace;
  const upgrade = completeUpgrade({
    metadata: { ...metadata, namespace },
    spec: manifest.spec,
  } as unknown as Upgrade);
  const { kind, name: target } = upgrade.spec.targetRef;
  const findings = await dryRun(cluster, { ...manifest, metadata: { ...metadata, namespace } }, report);
  const workload = await cluster.try({
    method: 'GET',
    target: { resource: RESOURCES[kind], namespace, name: target },
  });
  if (!workload.ok) {
    const place = { resource: RESOURCES[kind], namespace };
    return [
      ...findings,
      workload.failure.kind === 'notFound'
        ? report('error', 'spec.targetRef', obstacleText(targetNotFound(upgrade)))
        : report(
            'warning',
            'spec.targetRef',
            cluster.fault(workload.failure, workload.status, place).message,
          ),
    ];
  }
  const view = decodeWorkload(kind, workload.body);
  const obstacle = attemptObstacle(upgrade.spec, view);
  const warnings = [
    ...(await dependencyWarnings(cluster, upgrade, companions(one, all))),
    ...withoutEffect(manifest.spec as UpgradeSpec, view),
    ...(await stageWarnings(cluster, manifest.spec as UpgradeSpec, view)),
  ];
  return [
    ...findings,
    ...(obstacle ? [report('error', 'spec', obstacleText(obstacle))] : []),
    ...warnings.map(([path, message]) => report('warning', path, message)),
    ...(await claimFindings(cluster, upgrade, report)),
    ...(await gateFindings(cluster, upgrade, report)),
    ...(await permissionFindings(cluster, { namespace, kind, target }, report)),
  ];
}

/** Nothing is known of Upgrades that the caller may not list. */
async function dependencyWarnings(
  cluster: Cluster,
  upgrade: CompleteUpgrade,
  others: readonly Dependent[],
): Promise<Said[]> {
  const stored = await cluster.list(RESOURCES.Upgrade, upgrade.metadata.namespace).catch(() => undefined);
  const names = stored?.map((raw) => text(at(raw, 'metadata', 'name')));
  return names
    ? missingDependencies(upgrade, [...names, ...others.map(({ metadata }) => metadata.name)])
    : [];
}

/** Without a cluster the counts were compared already; here the percentages and the nodes are known too. */
async function stageWarnings(cluster: Cluster, spec: UpgradeSpec, workload: WorkloadView): Promise<Said[]> {
  const nodes = new Map<number, number>();
  for (const [index, stage] of (spec.strategy?.stages ?? []).entries()) {
    const labelSelector = stage.nodes && selectorText({ matchLabels: stage.nodes.matchLabels });
    const selected =
      labelSelector &&
      (await cluster.list(RESOURCES.Node, undefined, { labelSelector }).catch(() => undefined));
    if (selected) {
      nodes.set(index, selected.length);
    }
  }
  const offline = emptyStages(spec).map(([path]) => path);
  const desired = workload.desired > 0 ? workload.desired : undefined;
  return emptyStages(spec, { desired, nodes }).filter(([path]) => !offline.includes(path));
}

/** The API server's own validation; nothing is stored. */
async function dryRun(cluster: Cluster, manifest: Raw, report: Report): Promise<Finding[]> {
  const { namespace, name } = record(manifest.metadata);
  const place = { resource: RESOURCES.Upgrade, namespace: text(namespace) };
  const answer = await cluster.try({
    method: 'PATCH',
    target: { ...place, name: text(name) },
    patchType: 'application/apply-patch+yaml',
    query: { dryRun: 'All', fieldManager: 'kubectl-postcheck', force: 'true' },
    body: manifest,
  });
  return answer.ok ? [] : [report('error', '', cluster.fault(answer.failure, answer.status, place).message)];
}

/** Another Upgrade acts on the target. */
async function claimFindings(cluster: Cluster, upgrade: CompleteUpgrade, report: Report): Promise<Finding[]> {
  const { metadata, spec } = upgrade;
  const stored = await cluster.list(RESOURCES.Upgrade, metadata.namespace).catch(() => []);
  const [acting] = stored
    .map(decodeUpgrade)
    .filter(
      ({ spec: { targetRef } }) =>
        targetRef.name === spec.targetRef.name && targetRef.kind === spec.targetRef.kind,
    )
    .map((claimant) => ({ name: claimant.metadata.name, order: claimOrder(claimant) ?? '' }))
    .filter(({ order }) => order !== '')
    .sort((a, b) => (a.order < b.order ? -1 : 1));
  return acting && acting.name !== metadata.name
    ? [report('error', 'spec.targetRef', obstacleText(targetClaimed(upgrade, acting.name)))]
    : [];
}

async function gateFindings(cluster: Cluster, { spec }: CompleteUpgrade, report: Report): Promise<Finding[]> {
  const carrier = await gateCarrier(cluster);
  if (carrier !== 'None' || spec.gate === 'Disabled') {
    return [];
  }
  return [
    spec.gate === 'Required'
      ? report(
          'error',
          'spec.gate',
          'neither the gate policy nor the gate webhook is installed in this cluster, so nothing would be upgraded',
        )
      : report(
          'warning',
          'spec.gate',
          'neither the gate policy nor the gate webhook is installed in this cluster: new pods serve as soon as they are Ready',
        ),
  ];
}

/** An Upgrade makes the operator run commands and set images, so its author should be permitted to do the same. */
async function permissionFindings(
  cluster: Cluster,
  {
    namespace,
    kind,
    target,
  }: { namespace: string; kind: Upgrade['spec']['targetRef']['kind']; target: string },
  report: Report,
): Promise<Finding[]> {
  const [patch, exec] = await Promise.all([
    cluster.may('patch', { group: 'apps', resource: RESOURCES[kind].plural, namespace, name: target }),
    cluster.may('create', { resource: 'pods', subresource: 'exec', namespace }),
  ]);
  return [
    ...(patch === false
      ? [
          report(
            'warning',
            'spec.targetRef',
            `you cannot patch ${RESOURCES[kind].plural} in namespace ${namespace}: the author policy would reject this`,
          ),
        ]
      : []),
    ...(exec === false
      ? [
          report(
            'warning',
            'spec.postCheck',
            `you cannot create pods/exec in namespace ${namespace}: the author policy would reject this`,
          ),
        ]
      : []),
  ];
}

function print(io: Io, findings: readonly Finding[], output: string | undefined): void {
  if (output === 'json') {
    io.out(JSON.stringify(findings, null, 2));
  } else if (output === 'sarif') {
    io.out(JSON.stringify(sarif(findings), null, 2));
  } else {
    for (const { file, line, path, message, level } of findings) {
      io.out(
        `${file}:${line}: ${io.paint(level === 'error' ? 'red' : 'yellow', level)}: ${path === '' ? '' : `${path}: `}${message}`,
      );
    }
  }
}

/** Formats the findings as SARIF, which code hosts show beside the lines of a change. */
const sarif = (findings: readonly Finding[]): object => ({
  $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
  version: '2.1.0',
  runs: [
    {
      tool: { driver: { name: 'kubectl-postcheck', rules: [{ id: 'upgrade' }] } },
      results: findings.map(({ file, line, path, message, level }) => ({
        ruleId: 'upgrade',
        level,
        message: { text: path === '' ? message : `${path}: ${message}` },
        locations: [{ physicalLocation: { artifactLocation: { uri: file }, region: { startLine: line } } }],
      })),
    },
  ],
});
