/** `lint`: what is wrong with manifests, before a cluster says it; with `--live` what this cluster would say. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Upgrade } from '../../../../src/api/types.ts';
import { effectiveSpec } from '../../../../src/core/effective-spec.ts';
import { obstacleText } from '../../../../src/core/report/obstacle-text.ts';
import { attemptObstacle } from '../../../../src/core/workload/obstacles.ts';
import { at, record, text } from '../../../../src/kube/client/json.ts';
import { RESOURCES } from '../../../../src/kube/client/paths.ts';
import { decodeWorkload } from '../../../../src/kube/objects/decode-workload.ts';
import type { Cluster } from '../cluster.ts';
import { EXIT, Fault } from '../fault.ts';
import { gateCarrier } from '../gate.ts';
import type { Io } from '../io.ts';
import { type Finding, type Linted, lintText } from '../lint.ts';
import { plural } from '../looks.ts';
import { checkFormat } from '../output.ts';

export interface LintOptions {
  readonly filename?: readonly string[];
  readonly live?: boolean;
  readonly output?: string;
}

interface Source {
  readonly file: string;
  readonly text: string;
}

/** `cluster` is opened only for `--live`. */
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
          upgrades.filter(({ findings }) => !findings.some(isError)).map((one) => ask(cluster, one)),
        )
      ).flat()
    : [];
  const findings = [...linted.flatMap(({ findings: some }) => some), ...live];
  print(io, findings, options.output);
  if (upgrades.length === 0 && findings.length === 0) {
    throw new Fault(`no Upgrade in ${sources.map(sourceText).join(', ') || 'these folders'}`);
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
  try {
    const files = (await stat(name)).isDirectory()
      ? (await readdir(name)).filter((file) => /\.(ya?ml|json)$/.test(file)).map((file) => join(name, file))
      : [name];
    return await Promise.all(files.map(async (file) => ({ file, text: await readFile(file, 'utf8') })));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw new Fault(`cannot read ${name}: ${code === 'ENOENT' ? 'no such file' : (error as Error).message}`);
  }
}

/** What this cluster says: its own validation, the target, the gate, and the author's rights. */
async function ask(
  cluster: Cluster,
  { file, lineOf, manifest }: Linted & { file: string },
): Promise<Finding[]> {
  const told = (level: Finding['level'], path: string, message: string): Finding => ({
    file,
    line: lineOf(path),
    path,
    message,
    level,
  });
  const metadata = record(manifest.metadata);
  const namespace = text(metadata.namespace) || cluster.namespace;
  const name = text(metadata.name);
  const upgrade = { metadata: { ...metadata, namespace }, spec: manifest.spec } as unknown as Upgrade;
  const { kind, name: target } = upgrade.spec.targetRef;
  const refused = await cluster.try({
    method: 'PATCH',
    target: { resource: RESOURCES.Upgrade, namespace, name },
    patchType: 'application/apply-patch+yaml',
    query: { dryRun: 'All', fieldManager: 'kubectl-postcheck', force: 'true' },
    body: { ...manifest, metadata: { ...metadata, namespace } },
  });
  const findings = refused.ok
    ? []
    : [
        told(
          'error',
          '',
          cluster.fault(refused.failure, refused.status, { resource: RESOURCES.Upgrade, namespace }).message,
        ),
      ];
  const workload = await cluster.try({
    method: 'GET',
    target: { resource: RESOURCES[kind], namespace, name: target },
  });
  if (!workload.ok) {
    const place = { resource: RESOURCES[kind], namespace };
    const missing = {
      reason: 'TargetNotFound',
      workload: { kind, name: target },
      namespace,
      namesakes: [],
    } as const;
    return [
      ...findings,
      workload.failure.kind === 'notFound'
        ? told('error', 'spec.targetRef', obstacleText(missing))
        : told('warning', 'spec.targetRef', cluster.fault(workload.failure, workload.status, place).message),
    ];
  }
  const obstacle = attemptObstacle(effectiveSpec(upgrade.spec), decodeWorkload(kind, workload.body));
  const others = await cluster.list(RESOURCES.Upgrade, namespace).catch(() => []);
  const rival = others.find(
    (raw) =>
      text(at(raw, 'metadata', 'name')) !== name &&
      at(raw, 'spec', 'targetRef', 'name') === target &&
      at(raw, 'spec', 'targetRef', 'kind') === kind,
  );
  return [
    ...findings,
    ...(obstacle ? [told('error', 'spec', obstacleText(obstacle))] : []),
    ...(rival
      ? [
          told(
            'error',
            'spec.targetRef',
            `Upgrade ${text(at(rival, 'metadata', 'name'))} already acts on ${kind} ${target}`,
          ),
        ]
      : []),
    ...(await gateFindings(cluster, upgrade, told)),
    ...(await rightFindings(cluster, { namespace, kind, target }, told)),
  ];
}

type Tell = (level: Finding['level'], path: string, message: string) => Finding;

async function gateFindings(cluster: Cluster, { spec }: Upgrade, told: Tell): Promise<Finding[]> {
  const carrier = await gateCarrier(cluster);
  if (carrier !== 'None' || spec.gate === 'Disabled') {
    return [];
  }
  return [
    spec.gate === 'Required'
      ? told(
          'error',
          'spec.gate',
          'neither the gate policy nor the gate webhook is installed in this cluster, so nothing would be upgraded',
        )
      : told(
          'warning',
          'spec.gate',
          'neither the gate policy nor the gate webhook is installed in this cluster: new pods serve as soon as they are Ready',
        ),
  ];
}

/** Who writes an Upgrade has the operator run commands and set images: the author should be allowed the same. */
async function rightFindings(
  cluster: Cluster,
  {
    namespace,
    kind,
    target,
  }: { namespace: string; kind: Upgrade['spec']['targetRef']['kind']; target: string },
  told: Tell,
): Promise<Finding[]> {
  const [patch, exec] = await Promise.all([
    cluster.may('patch', { group: 'apps', resource: RESOURCES[kind].plural, namespace, name: target }),
    cluster.may('create', { resource: 'pods', subresource: 'exec', namespace }),
  ]);
  return [
    ...(patch === false
      ? [
          told(
            'warning',
            'spec.targetRef',
            `you cannot patch ${RESOURCES[kind].plural} in namespace ${namespace}: the author policy would reject this`,
          ),
        ]
      : []),
    ...(exec === false
      ? [
          told(
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

/** What code hosts show beside the lines of a change. */
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
