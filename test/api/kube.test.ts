/** The cluster shells against a real API server: what we read of real objects, and what every write does and refuses. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Upgrade } from '../../src/api/types.ts';
import type { PodView, RevisionView, WorkloadKind, WorkloadView } from '../../src/api/views.ts';
import type { WatchEvent, Watched, WatchedKind } from '../../src/engine/ports.ts';
import { upgradeReference, workloadReference } from '../../src/engine/references.ts';
import type { Cluster } from '../../src/kube/cluster.ts';
import { type ApiServer, eventually, installCrd, startApiServer } from './api-server.ts';
import { connectTo } from './connect.ts';

const kinds: readonly WatchedKind[] = [
  'Upgrade',
  'Deployment',
  'StatefulSet',
  'DaemonSet',
  'ReplicaSet',
  'ControllerRevision',
  'Pod',
  'Node',
];

let api: ApiServer;
let cluster: Cluster;
/** What the watches have told, by kind and `namespace/name`. */
const seen = new Map<WatchedKind, Map<string, unknown>>();

beforeAll(async () => {
  api = startApiServer();
  await installCrd(api);
  api.kubectl(['create', 'namespace', 'shop']);
  cluster = await connectTo(api, []);
  for (const kind of kinds) {
    cluster.watcher.watch(kind, store(kind, seen));
  }
  await eventually(() => cluster.health().every(({ synced }) => synced));
}, 120_000);
afterAll(async () => {
  await cluster.close();
  api.stop();
});

function store<K extends WatchedKind>(
  kind: K,
  into: Map<WatchedKind, Map<string, unknown>>,
): (event: WatchEvent<Watched[K]>) => void {
  const key = (object: unknown): string => {
    const { namespace, name } =
      (object as { metadata?: { namespace: string; name: string } }).metadata ?? (object as PodView);
    return `${namespace}/${name}`;
  };
  return (event) => {
    const known = into.get(kind) ?? new Map<string, unknown>();
    into.set(
      kind,
      event.type === 'synced' ? new Map(event.items.map((object) => [key(object), object])) : known,
    );
    if (event.type === 'upsert') {
      known.set(key(event.object), event.object);
    }
    if (event.type === 'delete') {
      known.delete(key(event.object));
    }
  };
}

/** As long as a label's name may be. */
const labelName = (index: number): string => `${'p'.repeat(50)}.example/${String(index).padStart(60, 'n')}`;

/** Did the API server take the merge patch? */
function patchUpgrade(name: string, patch: string): boolean {
  const file = join(mkdtempSync(join(tmpdir(), 'postcheck-patch-')), 'patch.json');
  writeFileSync(file, patch);
  try {
    api.kubectl(['patch', 'upgrade', name, '-n', 'shop', '--type=merge', `--patch-file=${file}`]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(dirname(file), { recursive: true });
  }
}

function all<T>(kind: WatchedKind): T[] {
  return [...(seen.get(kind)?.values() ?? [])] as T[];
}

function workload(kind: WorkloadKind, name: string): Record<string, unknown> {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name, namespace: 'shop' },
    spec: {
      ...(kind === 'DaemonSet' ? {} : { replicas: 2 }),
      ...(kind === 'StatefulSet' ? { serviceName: name } : {}),
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          initContainers: [{ name: 'migrate', image: 'registry.example/migrate:1' }],
          containers: [
            {
              name: 'web',
              image: 'registry.example/web:1',
              env: [{ name: 'A', value: 'b' }],
              resources: { limits: { cpu: '1' } },
            },
            { name: 'side', image: 'registry.example/side:1', ports: [{ containerPort: 80 }] },
          ],
        },
      },
    },
  };
}

/** Creates one and waits until its controller has reported. */
async function created(kind: WorkloadKind, name: string): Promise<WorkloadView> {
  api.kubectl(['create', '-f', '-'], JSON.stringify(workload(kind, name)));
  return await settled(kind, name);
}

async function settled(kind: WorkloadKind, name: string): Promise<WorkloadView> {
  let last: WorkloadView | undefined;
  let since = 0;
  return await eventually(() => {
    const view = all<WorkloadView>(kind).find((each) => each.name === name);
    if (view?.resourceVersion !== last?.resourceVersion) {
      since = Date.now();
    }
    last = view;
    return view && view.observedGeneration === view.generation && Date.now() - since > 500 ? view : undefined;
  });
}

async function createUpgrade(name: string): Promise<Upgrade> {
  const spec = {
    targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
    containers: [{ name: 'web', image: 'registry.example/web:2' }],
  };
  const upgrade = {
    apiVersion: 'postcheck.dev/v1alpha1',
    kind: 'Upgrade',
    metadata: { name, namespace: 'shop' },
    spec,
  };
  api.kubectl(['apply', '-f', '-'], JSON.stringify(upgrade));
  return await eventually(() => all<Upgrade>('Upgrade').find((each) => each.metadata.name === name));
}

const raw = (
  kind: string,
  name: string,
): { metadata: { managedFields: { manager: string }[]; generation: number }; spec: never } =>
  api.json(['get', kind, name, '-n', 'shop', '--show-managed-fields']) as never;

describe('reading', () => {
  test.each<[WorkloadKind, WatchedKind]>([
    ['Deployment', 'ReplicaSet'],
    ['StatefulSet', 'ControllerRevision'],
    ['DaemonSet', 'ControllerRevision'],
  ])(
    'a %s and its %s have the same template digest, before and after an image change',
    async (kind, revisionKind) => {
      const name = `digest-${kind.toLowerCase()}`;
      const first = await created(kind, name);
      const ofIt = (): RevisionView[] =>
        all<RevisionView>(revisionKind).filter(({ owner }) => owner.uid === first.uid);
      expect((await eventually(() => ofIt()[0])).templateDigest).toBe(first.templateDigest);
      const written = await cluster.writer.patchImages(await settled(kind, name), {
        web: 'registry.example/web:2',
      });
      expect(written.ok).toBe(true);
      const second = await settled(kind, name);
      expect(second.templateDigest).not.toBe(first.templateDigest);
      await eventually(() => ofIt().length === 2);
      const newest = ofIt().sort((a, b) => b.revision - a.revision)[0];
      expect(newest?.templateDigest).toBe(second.templateDigest);
      if (second.kind === 'StatefulSet') {
        expect(newest?.hash).toBe(second.updateRevision);
      }
    },
    60_000,
  );

  test('pods carry the label that their revision names', async () => {
    for (const kind of ['Deployment', 'StatefulSet'] as const) {
      const { uid, name } = await created(kind, `pods-${kind.toLowerCase()}`);
      const revision = await eventually(() =>
        [...all<RevisionView>('ReplicaSet'), ...all<RevisionView>('ControllerRevision')].find(
          (each) => each.owner.uid === uid,
        ),
      );
      const pod = await eventually(() =>
        all<PodView>('Pod').find((each) => each.name.startsWith(`${name}-`)),
      );
      expect(pod.revision).toBe(revision.hash);
      expect(pod.containers.map((container) => container.name)).toEqual(['web', 'side', 'migrate']);
    }
  }, 60_000);

  test('the manager of an image is the one who wrote it', async () => {
    api.kubectl(
      ['apply', '--server-side', '--field-manager=argocd', '-f', '-'],
      JSON.stringify(workload('Deployment', 'managed')),
    );
    const view = await settled('Deployment', 'managed');
    expect(view.imageManagers).toEqual({ web: 'argocd', side: 'argocd', migrate: 'argocd' });
  }, 60_000);

  test('what is deleted disappears', async () => {
    await created('Deployment', 'leaving');
    api.kubectl(['delete', 'deployment', 'leaving', '-n', 'shop']);
    await eventually(() => all<WorkloadView>('Deployment').every(({ name }) => name !== 'leaving'));
    await eventually(() => all<PodView>('Pod').every(({ name }) => !name.startsWith('leaving-')));
  }, 60_000);

  test('watching two namespaces gives both, together, and no other', async () => {
    api.kubectl(['create', 'namespace', 'left']);
    api.kubectl(['create', 'namespace', 'right']);
    for (const namespace of ['left', 'right']) {
      api.kubectl(['create', 'deployment', `in-${namespace}`, '--image=a:1', '-n', namespace]);
    }
    const narrow = await connectTo(api, ['left', 'right']);
    const events: WatchEvent<WorkloadView>[] = [];
    narrow.watcher.watch('Deployment', (event) => events.push(event));
    await eventually(() => events.length > 0);
    const [first] = events;
    expect(first?.type === 'synced' && first.items.map(({ name }) => name).sort()).toEqual([
      'in-left',
      'in-right',
    ]);
    api.kubectl(['create', 'deployment', 'later', '--image=a:1', '-n', 'right']);
    await eventually(() => events.some((event) => event.type === 'upsert' && event.object.name === 'later'));
    await narrow.close();
  }, 60_000);
});

describe('writing images', () => {
  test('changes these images alone, and the release of the fields lets the user apply again', async () => {
    const yaml = JSON.stringify(workload('Deployment', 'images'));
    api.kubectl(['apply', '--server-side', '-f', '-'], yaml);
    const before = raw('deployment', 'images') as never as {
      spec: { template: { spec: { containers: { image: string }[]; initContainers: { image: string }[] } } };
    };
    const view = await settled('Deployment', 'images');
    const written = await cluster.writer.patchImages(view, {
      web: 'registry.example/web:2',
      migrate: 'registry.example/migrate:2',
    });
    expect(written).toMatchObject({
      ok: true,
      object: { holdsOurFields: true, imageManagers: { web: 'postcheck' } },
    });
    const after = raw('deployment', 'images') as never as typeof before;
    before.spec.template.spec.containers[0]!.image = 'registry.example/web:2';
    before.spec.template.spec.initContainers[0]!.image = 'registry.example/migrate:2';
    expect(after.spec).toEqual(before.spec);

    const changed = yaml.replace('web:1', 'web:3');
    expect(() => api.kubectl(['apply', '--server-side', '-f', '-'], changed)).toThrow(
      /conflicts? with \\?"postcheck/,
    );
    const { generation } = raw('deployment', 'images').metadata;
    const released = await cluster.writer.releaseFields(await settled('Deployment', 'images'));
    expect(released).toMatchObject({ ok: true, object: { holdsOurFields: false, generation } });
    api.kubectl(['apply', '--server-side', '-f', '-'], changed);
  }, 60_000);

  test.each([
    ['applied by a server', ['apply', '--server-side', '--force-conflicts', '-f', '-']],
    ['applied by a client', ['apply', '-f', '-']],
    ['created', ['create', '-f', '-']],
  ])(
    'tells a partition of ours from one of the user, where the workload was %s',
    async (how, command) => {
      const name = `parted-${how.split(' ').at(-1)}`;
      const make = (partition: number) =>
        JSON.stringify({
          ...workload('StatefulSet', name),
          spec: {
            ...(workload('StatefulSet', name) as { spec: object }).spec,
            updateStrategy: { rollingUpdate: { partition } },
          },
        });
      const now = () => settled('StatefulSet', name);
      api.kubectl(command, make(1));
      expect(await now()).toMatchObject({ partition: 1, othersSetPartition: true });

      const written = await cluster.writer.patchImages(await now(), {}, 3);
      expect(written).toMatchObject({ ok: true, object: { partition: 3, othersSetPartition: false } });
      await cluster.writer.releaseFields(await now());
      expect(await now()).toMatchObject({ partition: 3, othersSetPartition: false, holdsOurFields: false });
      api.kubectl(['scale', 'statefulset', name, '-n', 'shop', '--replicas=4']);
      expect(await now()).toMatchObject({ desired: 4, othersSetPartition: false });

      const [again = '', ...rest] = command;
      api.kubectl([again === 'create' ? 'replace' : again, ...rest], make(2));
      expect(await now()).toMatchObject({ partition: 2, othersSetPartition: true });
      await cluster.writer.patchImages(await now(), {}, 5);
      const patch = '{"spec":{"updateStrategy":{"rollingUpdate":{"partition":4}}}}';
      api.kubectl(['patch', 'statefulset', name, '-n', 'shop', '--type=merge', '-p', patch]);
      expect(await now()).toMatchObject({ partition: 4, othersSetPartition: true });
    },
    60_000,
  );

  test('releasing what is not held writes nothing', async () => {
    const view = await created('Deployment', 'unheld');
    expect(await cluster.writer.releaseFields(view)).toMatchObject({
      ok: true,
      object: { resourceVersion: view.resourceVersion },
    });
  }, 60_000);

  test.each<WorkloadKind>(['Deployment', 'StatefulSet', 'DaemonSet'])(
    'of a %s is done though its status was written since it was read, and not twice',
    async (kind) => {
      const name = `moving-${kind.toLowerCase()}`;
      await created(kind, name);
      const view = await settled(kind, name);
      const patch = JSON.stringify({ status: { observedGeneration: 77 } });
      const onStatus = ['-n', 'shop', '--subresource=status', '--type=merge', '-p', patch];
      api.kubectl(['patch', kind.toLowerCase(), name, ...onStatus]);
      expect(await cluster.writer.patchImages(view, { web: 'registry.example/web:2' })).toMatchObject({
        ok: true,
        object: { generation: view.generation + 1 },
      });
      expect(await cluster.writer.patchImages(view, { web: 'registry.example/web:3' })).toMatchObject({
        ok: false,
        failure: { kind: 'conflict' },
      });
    },
    60_000,
  );

  test('is done though somebody annotated and scaled the workload since it was read, and not twice', async () => {
    const view = await created('Deployment', 'annotated');
    api.kubectl(['annotate', 'deployment', 'annotated', '-n', 'shop', 'note=1']);
    api.kubectl(['scale', 'deployment', 'annotated', '-n', 'shop', '--replicas=3']);
    expect(await cluster.writer.patchImages(view, { web: 'registry.example/web:2' })).toMatchObject({
      ok: true,
      object: { generation: view.generation + 3, desired: 3 },
    });
    expect(await cluster.writer.patchImages(view, { web: 'registry.example/web:3' })).toMatchObject({
      ok: false,
      failure: { kind: 'conflict' },
    });
  }, 60_000);

  test('is refused as a conflict when somebody wrote in between, also when it renamed the container', async () => {
    const view = await created('Deployment', 'raced');
    const renamed = [{ op: 'replace', path: '/spec/template/spec/containers/0/name', value: 'other' }];
    api.kubectl(['patch', 'deployment', 'raced', '-n', 'shop', '--type=json', '-p', JSON.stringify(renamed)]);
    expect(await cluster.writer.patchImages(view, { web: 'registry.example/web:2' })).toMatchObject({
      ok: false,
      failure: { kind: 'conflict' },
    });
    const names = (await settled('Deployment', 'raced')).containers.map(({ name }) => name);
    expect(names).toEqual(['migrate', 'other', 'side']);
  }, 60_000);

  test.each<WorkloadKind>(['Deployment', 'StatefulSet', 'DaemonSet'])(
    'of another %s with the same name is refused',
    async (kind) => {
      const view = await created(kind, 'reborn');
      const foreign = { ...view, uid: '00000000-0000-0000-0000-000000000000' };
      expect(await cluster.writer.patchImages(foreign, { web: 'x:1' })).toMatchObject({
        ok: false,
        failure: { kind: 'conflict' },
      });
      expect(await cluster.writer.releaseFields(foreign)).toMatchObject({
        ok: false,
        failure: { kind: 'notFound' },
      });
    },
    60_000,
  );

  test('of a workload that is gone is notFound, and an impossible image is invalid', async () => {
    const view = await created('Deployment', 'gone');
    expect(await cluster.writer.patchImages(view, { web: '' })).toMatchObject({
      ok: false,
      failure: { kind: 'invalid' },
    });
    api.kubectl(['delete', 'deployment', 'gone', '-n', 'shop']);
    expect(await cluster.writer.patchImages(view, { web: 'x:1' })).toMatchObject({
      ok: false,
      failure: { kind: 'notFound' },
    });
  }, 60_000);
});

describe('writing status', () => {
  test('stores it, removes what is no longer in it, and leaves spec and generation alone', async () => {
    const upgrade = await createUpgrade('status');
    const counts = {
      desired: 1,
      updated: 1,
      ready: 1,
      passed: 0,
      retrying: 1,
      failed: 0,
      inconclusive: 0,
      skipped: 0,
    };
    const first = await cluster.writer.patchStatus(upgrade, {
      observedGeneration: 1,
      phase: 'Upgrading',
      message: 'm',
      counts,
    });
    expect(first).toMatchObject({
      ok: true,
      object: { status: { phase: 'Upgrading', message: 'm', counts }, spec: upgrade.spec },
    });
    if (!first.ok) {
      return;
    }
    const second = await cluster.writer.patchStatus(first.object, {
      observedGeneration: 1,
      phase: 'Succeeded',
    });
    expect(second.ok && second.object.status).toEqual({ observedGeneration: 1, phase: 'Succeeded' });
    expect(second.ok && second.object.metadata.generation).toBe(upgrade.metadata.generation);
  }, 60_000);

  test('with an old resourceVersion is a conflict, with a wrong type invalid, of an Upgrade made anew a conflict', async () => {
    const upgrade = await createUpgrade('guarded');
    const written = await cluster.writer.patchStatus(upgrade, { phase: 'Pending' });
    expect(written.ok).toBe(true);
    expect(await cluster.writer.patchStatus(upgrade, { phase: 'Upgrading' })).toMatchObject({
      ok: false,
      failure: { kind: 'conflict' },
    });
    if (!written.ok) {
      return;
    }
    const { object } = written;
    expect(await cluster.writer.patchStatus(object, { phase: 'Dancing' as never })).toMatchObject({
      ok: false,
      failure: { kind: 'invalid' },
    });
    api.kubectl(['delete', 'upgrade', 'guarded', '-n', 'shop']);
    await eventually(() => all<Upgrade>('Upgrade').every(({ metadata }) => metadata.name !== 'guarded'));
    await createUpgrade('guarded');
    expect(await cluster.writer.patchStatus(object, { phase: 'Upgrading' })).toMatchObject({
      ok: false,
      failure: { kind: 'conflict' },
    });
  }, 60_000);

  test('is done though labels were written since it was read, and not twice, nor over another spec', async () => {
    const upgrade = await createUpgrade('labelled');
    const label = (value: string) =>
      api.kubectl(['label', 'upgrade', 'labelled', '-n', 'shop', '--overwrite', `note=${value}`]);
    label('1');
    const message = 'exited 1: <a href="x">&</a>\n世界 \\ "';
    const first = await cluster.writer.patchStatus(upgrade, { phase: 'Pending', message });
    expect(first).toMatchObject({ ok: true, object: { status: { phase: 'Pending', message } } });
    if (!first.ok) {
      return;
    }
    label('2');
    const finalizers = await cluster.writer.patchFinalizers(first.object, ['postcheck.dev/fallback']);
    expect(finalizers).toMatchObject({
      ok: true,
      object: { metadata: { finalizers: ['postcheck.dev/fallback'] } },
    });
    label('3');
    const second = await cluster.writer.patchStatus(first.object, { phase: 'Upgrading' });
    expect(second.ok && second.object.status).toEqual({ phase: 'Upgrading' });
    const conflict = { ok: false, failure: { kind: 'conflict' } };
    expect(await cluster.writer.patchStatus(first.object, { phase: 'Succeeded' })).toMatchObject(conflict);
    if (!finalizers.ok || !second.ok) {
      return;
    }
    expect(await cluster.writer.patchFinalizers(finalizers.object, [])).toMatchObject(conflict);
    label('4');
    expect((await cluster.writer.patchFinalizers(second.object, [])).ok).toBe(true);
    api.kubectl([
      ...['patch', 'upgrade', 'labelled', '-n', 'shop', '--type=merge'],
      ...['-p', '{"spec":{"paused":true}}'],
    ]);
    expect(await cluster.writer.patchStatus(second.object, { phase: 'Succeeded' })).toMatchObject(conflict);
  }, 60_000);

  test.each(['status', 'finalizer'])(
    'finds room for a %s where field managers leave none in etcd',
    async (what) => {
      const { metadata } = await createUpgrade(`managed-${what}`);
      const { name } = metadata;
      const live = (): Upgrade => api.json(['get', 'upgrade', name, '-n', 'shop']) as never;
      const entry = (count: number) => ({
        manager: 'any',
        operation: 'Apply',
        apiVersion: 'postcheck.dev/v1alpha1',
        fieldsType: 'FieldsV1',
        fieldsV1: Object.fromEntries(
          Array.from({ length: count }, (_, index) => [`f:${'x'.repeat(200)}${index}`, {}]),
        ),
      });
      // As many as fit.
      for (let [count, batch] = [0, 4096]; batch >= 1; batch /= 2) {
        const managedFields = [entry(count + batch)];
        count += patchUpgrade(name, JSON.stringify({ metadata: { managedFields } })) ? batch : 0;
      }
      const finalizers = Array.from({ length: 10 }, (_, index) => `example.com/${index}`.padEnd(60, 'x'));
      const written =
        what === 'status'
          ? await cluster.writer.patchStatus(live(), { phase: 'Upgrading', message: 'x'.repeat(4_000) })
          : await cluster.writer.patchFinalizers(live(), finalizers);
      expect(written).toMatchObject({ ok: true });
      expect(live()).toMatchObject(
        what === 'status' ? { status: { phase: 'Upgrading' } } : { metadata: { finalizers } },
      );
    },
    120_000,
  );

  test('for which labels leave no room in etcd is invalid, and a smaller status takes its place', async () => {
    await createUpgrade('stuffed');
    const message = 'x'.repeat(4_000);
    const live = () =>
      JSON.parse(api.kubectl(['get', 'upgrade', 'stuffed', '-n', 'shop', '-o', 'json'])) as Upgrade;
    expect((await cluster.writer.patchStatus(live(), { phase: 'Pending', message })).ok).toBe(true);
    // Without entries of field managers, the labels have none either.
    expect(patchUpgrade('stuffed', '{"metadata":{"managedFields":[{}]}}')).toBe(true);
    let count = 0;
    for (let batch = 1_024; batch >= 64; ) {
      const names = Array.from({ length: batch }, (_, index) => [labelName(count + index), 'v'.repeat(60)]);
      const patch = JSON.stringify({ metadata: { labels: Object.fromEntries(names) } });
      if (patchUpgrade('stuffed', patch)) {
        count += batch;
      } else {
        batch /= 4;
      }
    }
    const history = Array.from({ length: 10 }, (_, index) => ({
      attempt: index + 1,
      outcome: 'FellBack' as const,
      cause: message,
      startedAt: '2026-01-01T00:00:00.000Z',
      finishedAt: '2026-01-01T00:01:00.000Z',
      images: { web: 'registry.example/web:2.0' },
    }));
    const refused = await cluster.writer.patchStatus(live(), { phase: 'Upgrading', message, history });
    expect(refused).toMatchObject({ ok: false, failure: { kind: 'invalid' } });
    expect(await cluster.writer.patchStatus(live(), { phase: 'Upgrading' })).toMatchObject({ ok: true });
  }, 120_000);
});

describe('writing to pods', () => {
  const aPod = async (name: string): Promise<PodView> => {
    await created('Deployment', name);
    return await eventually(() => all<PodView>('Pod').find((pod) => pod.name.startsWith(`${name}-`)));
  };

  test('a pod is as it was made until somebody sets an image in it, and not again when it is set back', async () => {
    const { namespace, name, containers } = await aPod('witness');
    const image = containers[0]?.image ?? '';
    const patched = async (spec: object): Promise<PodView> => {
      api.kubectl(['patch', 'pod', name, '-n', namespace, '-p', JSON.stringify({ spec })]);
      return (await cluster.reader.getPod(namespace, name)) as PodView;
    };
    const setting = (to: string) => ({ containers: [{ name: containers[0]?.name, image: to }] });
    const tolerated = await patched({ tolerations: [{ key: 'example.com/any', operator: 'Exists' }] });
    expect([tolerated.specChanges, tolerated.imagesChanged]).toEqual([1, []]);
    expect((await patched(setting('registry.example/other:1'))).imagesChanged).toEqual(['web']);
    const back = await patched(setting(image));
    expect([back.containers[0]?.image, back.imagesChanged]).toEqual([image, ['web']]);
  });

  test('the verdict is stored beside the other conditions, and keeps its time while it does not change', async () => {
    const pod = await aPod('verdict');
    const at = Date.UTC(2026, 0, 2, 3, 4, 5);
    const first = await cluster.writer.patchVerified(
      pod,
      { status: 'False', reason: 'ProbeFailed', message: 'exit 17' },
      at,
    );
    expect(first).toMatchObject({
      ok: true,
      object: {
        conditions: { 'postcheck.dev/verified': { status: 'False', reason: 'ProbeFailed', since: at } },
      },
    });
    if (!first.ok) {
      return;
    }
    const again = await cluster.writer.patchVerified(
      first.object,
      { status: 'False', reason: 'ProbeFailed', message: 'exit 18' },
      at + 60_000,
    );
    expect(again).toMatchObject({
      ok: true,
      object: { conditions: { 'postcheck.dev/verified': { message: 'exit 18', since: at } } },
    });
    const foreign = { ...pod, uid: '00000000-0000-0000-0000-000000000000' };
    expect(
      await cluster.writer.patchVerified(foreign, { status: 'True', reason: 'Passed', message: '' }, at),
    ).toMatchObject({
      failure: { kind: 'notFound' },
    });
  }, 60_000);

  test('a deletion hits exactly this pod or none', async () => {
    const pod = await aPod('deleted');
    const foreign = { ...pod, uid: '00000000-0000-0000-0000-000000000000' };
    expect(await cluster.writer.deletePod(foreign)).toMatchObject({
      ok: false,
      failure: { kind: 'notFound' },
    });
    expect(await cluster.reader.getPod(pod.namespace, pod.name)).toMatchObject({ uid: pod.uid });
    expect(await cluster.writer.deletePod(pod)).toEqual({ ok: true, object: undefined });
    await eventually(() => all<PodView>('Pod').every(({ uid }) => uid !== pod.uid));
    expect(await cluster.writer.deletePod(pod)).toMatchObject({ ok: false, failure: { kind: 'notFound' } });
    expect(await cluster.reader.getPod(pod.namespace, pod.name)).toBe('gone');
  }, 60_000);
});

test('the refusal of a StatefulSet whose pods a quota forbids is read from its events', async () => {
  api.kubectl(['create', 'namespace', 'full']);
  api.kubectl(['create', 'quota', 'none', '--hard=pods=0', '-n', 'full']);
  const labels = { app: 'db' };
  const template = {
    metadata: { labels },
    spec: { containers: [{ name: 'db', image: 'registry.example/db' }] },
  };
  const manifest = {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'db', namespace: 'full' },
    spec: { replicas: 1, serviceName: 'db', selector: { matchLabels: labels }, template },
  };
  const before = Math.floor(Date.now() / 1000) * 1000 - 5000;
  api.kubectl(['apply', '-f', '-'], JSON.stringify(manifest));
  const workload = await eventually(() =>
    all<WorkloadView>('StatefulSet').find(({ namespace }) => namespace === 'full'),
  );
  const events = ['get', 'events', '-n', 'full', '--field-selector=reason=FailedCreate', '-o', 'name'];
  await eventually(() => api.kubectl(events).trim() !== '');
  const warning = await cluster.reader.failedCreate(workload);
  expect(warning?.message).toContain('exceeded quota: none');
  expect(warning?.at).toBeGreaterThanOrEqual(before);
  expect(await cluster.reader.failedCreate({ ...workload, uid: 'another' })).toBeUndefined();
}, 60_000);

test('what keeps a pod from being started is read from its newest event that says so, as one line', async () => {
  api.kubectl(['create', 'namespace', 'held']);
  const about = { apiVersion: 'v1', kind: 'Pod', namespace: 'held', name: 'db-0', uid: 'pod-uid' };
  const id = 'a'.repeat(64);
  const event = (name: string, reason: string, message: string, lastTimestamp: string, uid = 'pod-uid') =>
    api.kubectl(
      ['create', '-f', '-'],
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { namespace: 'held', name },
        involvedObject: { ...about, uid },
        type: reason === 'Scheduled' ? 'Normal' : 'Warning',
        reason,
        message,
        lastTimestamp,
      }),
    );
  const at = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString();
  event('db-0.1', 'FailedScheduling', 'no node fits', at(60));
  event('db-0.2', 'FailedCreatePodSandBox', `sandbox "${id}":\n\u001b[2Jno network`, at(120));
  event('db-0.3', 'DNSConfigForming', 'nameserver limits were exceeded', at(180));
  event('db-0.4', 'Scheduled', 'assigned', at(240));
  event('other-0.1', 'FailedMount', 'of another pod', at(300), 'another');
  const pod = { namespace: 'held', uid: 'pod-uid' } as PodView;
  expect(await cluster.reader.failedStart(pod)).toMatchObject({
    reason: 'FailedCreatePodSandBox',
    message: 'sandbox "…": no network',
  });
  expect(await cluster.reader.failedStart({ ...pod, uid: 'third' })).toBeUndefined();
}, 60_000);

function eventsAbout(kind: string, name: string): Promise<Record<string, unknown>[]> {
  const selector = `involvedObject.kind=${kind},involvedObject.name=${name}`;
  return eventually(() => {
    const { items } = api.json<{ items: Record<string, unknown>[] }>([
      ...['get', 'events', '-n', 'shop'],
      `--field-selector=${selector}`,
    ]);
    return items.length > 0 && items;
  });
}

test('of a pod whose node was removed, a command says so', async () => {
  const spec = { nodeName: 'removed', containers: [{ name: 'web', image: 'web:1' }] };
  api.kubectl(
    ['create', '-n', 'shop', '-f', '-'],
    JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'stranded' }, spec }),
  );
  const request = { namespace: 'shop', container: 'web', command: ['true'], timeoutMs: 20_000 };
  const limits = { maxOutputBytes: 100 };
  const run = (pod: string) =>
    cluster.executor.exec({ ...request, ...limits, pod }, new AbortController().signal);
  expect(await run('stranded')).toEqual({
    kind: 'gone',
    message: 'its node removed does not exist any more',
  });
  expect(await run('nobody')).toEqual({ kind: 'gone', message: 'pods "nobody" not found' });
}, 60_000);

test('events are shown by kubectl get events and by kubectl describe', async () => {
  const upgrade = await createUpgrade('eventful');
  const workload = await created('Deployment', 'eventful');
  const recorded = {
    type: 'Warning',
    reason: 'PostCheckFailed',
    action: 'Checking',
    note: `pod web-1: exit 17 ${'ü'.repeat(2000)}`,
  } as const;
  for (let i = 0; i < 3; i++) {
    await cluster.writer.recordEvent(upgradeReference(upgrade), {
      ...recorded,
      related: workloadReference(workload),
    });
  }
  await cluster.writer.recordEvent(workloadReference(workload), {
    ...recorded,
    note: 'of its Upgrade',
    related: upgradeReference(upgrade),
  });
  const events = await eventsAbout('Upgrade', 'eventful');
  expect(events).toHaveLength(1);
  expect(events[0]).toMatchObject({
    type: 'Warning',
    reason: 'PostCheckFailed',
    reportingComponent: 'postcheck.dev/operator',
    reportingInstance: 'postcheck-test',
    series: { count: 3 },
    related: { kind: 'Deployment', name: 'eventful' },
  });
  expect(api.kubectl(['describe', 'upgrade', 'eventful', '-n', 'shop'])).toContain('pod web-1: exit 17');
  expect(api.kubectl(['describe', 'deployment', 'eventful', '-n', 'shop'])).toContain('of its Upgrade');
}, 60_000);

test('whatever is said of one object, it has no more than 25 events at once', async () => {
  const upgrade = await createUpgrade('talkative');
  for (let i = 0; i < 60; i++) {
    await cluster.writer.recordEvent(upgradeReference(upgrade), {
      type: 'Normal',
      reason: 'CommandAccepted',
      action: `Command${i % 7}`,
      note: `token ${i}`,
    });
  }
  expect(await eventsAbout('Upgrade', 'talkative')).toHaveLength(25);
}, 60_000);

test('the gate policy is available exactly when its binding is there', async () => {
  expect((await cluster.gateProbe.carrier()).carrier).toBe('None');
  const binding = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingAdmissionPolicyBinding',
    metadata: { name: 'postcheck-gate' },
    spec: { policyName: 'postcheck-gate' },
  };
  api.kubectl(['create', '-f', '-'], JSON.stringify(binding));
  expect((await cluster.gateProbe.carrier()).carrier).toBe('Policy');
}, 60_000);

test('a process that does not lead writes nothing', async () => {
  const other = await connectTo(api, []);
  const lease = other.lease({
    namespace: 'default',
    name: 'fenced',
    identity: 'x',
    onLeading: () => {},
    onLost: () => {},
  });
  const view = await created('Deployment', 'fenced');
  expect(await other.writer.patchImages(view, { web: 'x:1' })).toMatchObject({
    ok: false,
    failure: { kind: 'unavailable' },
  });
  lease.start();
  await eventually(() => lease.isLeader());
  expect(await other.writer.patchImages(await settled('Deployment', 'fenced'), { web: 'x:1' })).toMatchObject(
    { ok: true },
  );
  await lease.stop();
  expect(await other.writer.patchImages(await settled('Deployment', 'fenced'), { web: 'x:2' })).toMatchObject(
    { ok: false },
  );
  await other.close();
}, 60_000);

test('a killed API server is noticed, told, and left behind when it is back', async () => {
  const script = resolve(import.meta.dirname, '../cluster/api-only.sh');
  const folder = dirname(api.kubeconfig);
  execFileSync(script, ['stop', folder, 'kube-apiserver'], { stdio: 'ignore' });
  await eventually(() => cluster.health().every(({ state }) => state === 'retrying'));
  expect(cluster.health()[0]?.message).toMatch(/^watch upgrades: ./);
  expect(await cluster.reader.getPod('shop', 'x')).toBe('unknown');
  execFileSync(script, ['start', folder, 'kube-apiserver'], { stdio: 'ignore' });
  await eventually(() => api.kubectl(['get', '--raw', '/readyz']) !== '', 60_000);
  api.kubectl(['create', 'deployment', 'after', '--image=a:1', '-n', 'shop']);
  await eventually(() => all<WorkloadView>('Deployment').some(({ name }) => name === 'after'), 60_000);
  await eventually(() => cluster.health().every(({ state }) => state === 'watching'), 60_000);
}, 180_000);
