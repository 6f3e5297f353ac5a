/** `bundle`: writes the evidence to one archive for a ticket, without secrets. */
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { pack } from 'tar-stream';
import { own } from '../../../../src/api/own.ts';
import { record } from '../../../../src/kube/client/json.ts';
import type { Cluster } from '../cluster.ts';
import { explain } from '../explain.ts';
import { Fault } from '../fault.ts';
import type { Io } from '../io.ts';
import { operatorPods } from '../operator.ts';
import { asYaml, tidy } from '../output.ts';
import { redacted, redactedText } from '../redact.ts';
import { gather, type Scene } from '../scene.ts';
import { treeLines } from '../tree-picture.ts';
import { findUpgrade } from '../upgrades.ts';
import { eventLines } from './events.ts';
import { readEntry } from './logs.ts';
import { lines as whyLines } from './why.ts';

export interface BundleOptions {
  readonly file?: string;
}

export async function bundle(
  io: Io,
  cluster: Cluster,
  name: string,
  options: BundleOptions,
): Promise<number> {
  const found = await findUpgrade(cluster, name);
  const scene = await gather(cluster, found);
  const { namespace, name: upgrade } = found.upgrade.metadata;
  const stamp = new Date(io.now()).toISOString().replace(/[-:]|\.\d+/g, '');
  const file = options.file ?? `postcheck-${namespace}-${upgrade}-${stamp}.tar.gz`;
  const plainIo: Io = { ...io, paint: (_, text) => text, terminal: false };
  const parts: Record<string, string> = {
    'why.txt': whyLines(plainIo, explain(found.upgrade, io.now())).join('\n'),
    'tree.txt': treeLines(plainIo, scene).join('\n'),
    'upgrade.yaml': asYaml(redacted(tidy(found.raw))),
    ...(scene.rawWorkload ? { 'workload.yaml': asYaml(redacted(tidy(scene.rawWorkload))) } : {}),
    ...Object.fromEntries(
      scene.rawPods.map((raw) => [
        `pods/${String(record(raw.metadata).name)}.yaml`,
        asYaml(redacted(tidy(raw))),
      ]),
    ),
    'events.txt': await events(plainIo, cluster, scene),
    'operator.log': await operatorLog(cluster, `${namespace}/${upgrade}`),
  };
  await write(file, upgrade, parts, io.now());
  io.out(
    `${file}: ${Object.keys(parts).length} files. Values of environment variables and what looks like a secret are removed; review it before you send it.`,
  );
  for (const what of scene.missing) {
    io.note(`not included: ${what}`);
  }
  return 0;
}

async function events(io: Io, cluster: Cluster, scene: Scene): Promise<string> {
  try {
    return (await eventLines(io, cluster, scene)).join('\n');
  } catch (error) {
    return `not read: ${(error as Error).message}`;
  }
}

async function operatorLog(cluster: Cluster, key: string): Promise<string> {
  try {
    const pods = await operatorPods(cluster);
    const texts = await Promise.all(
      pods.map((pod) => cluster.log(pod.namespace, pod.name, { tailLines: '5000' })),
    );
    const lines = texts.flatMap((answer) =>
      answer.ok ? answer.text.split('\n') : [`not read: ${answer.message}`],
    );
    return lines.filter((line) => ['', key].includes(readEntry(line).upgrade)).join('\n');
  } catch (error) {
    return `not read: ${(error as Error).message}`;
  }
}

async function write(
  file: string,
  folder: string,
  parts: Readonly<Record<string, string>>,
  now: number,
): Promise<void> {
  const archive = pack();
  for (const [name, text] of Object.entries(parts)) {
    archive.entry(
      { name: `${folder}/${name}`, mtime: new Date(now), mode: 0o600 },
      redactedText(`${text}\n`),
    );
  }
  archive.finalize();
  try {
    await pipeline(archive, createGzip(), createWriteStream(file, { flags: 'wx', mode: 0o600 }));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw new Fault(
      `cannot write ${file}: ${own(WRITE_FAULTS, code ?? '') ?? (error as Error).message.replace(/^\w+: |, \w+ '.*'$/g, '')}`,
    );
  }
}

const WRITE_FAULTS: Readonly<Record<string, string>> = {
  EEXIST: 'it exists already',
  ENOENT: 'no such folder',
  EACCES: 'permission denied',
};
