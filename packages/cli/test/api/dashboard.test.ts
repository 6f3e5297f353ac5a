/** `dashboard` against a real API server: what it may see, what it tells when that changes, and what it may do. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { type ApiServer, eventually } from '../../../../test/api/api-server.ts';
import type { ActReply, ActRequest, Message } from '../../src/dashboard/model.ts';
import { cli, createUpgrade, startEnvironment, statusOf, tool } from '../cli-environment.ts';

jest.setTimeout(60_000);

let api: ApiServer;
const started: ChildProcess[] = [];
const streams: AbortController[] = [];

beforeAll(async () => {
  api = await startEnvironment('shop', 'bank', 'empty');
  api.kubectl(['create', 'deployment', 'web', '--image=registry.example/web:1.9', '-n', 'shop']);
  await eventually(() => api.kubectl(['get', 'pods', '-n', 'shop', '-o', 'name']).includes('pod/'));
  const { metadata } = api.json<{ metadata: { uid: string; generation: number } }>([
    'get', 'deployment', 'web', '-n', 'shop',
  ]); // biome-ignore format: a command line
  // As of an attempt that rolled this very Deployment.
  const status = {
    ...statusOf('GateMissed'),
    targetUID: metadata.uid,
    targetGeneration: metadata.generation,
  };
  createUpgrade(api, 'shop', 'web', { status });
  createUpgrade(api, 'bank', 'other', { scene: 'FellBack' });
  api.kubectl([
    'create', 'role', 'reader', '--verb=get,list,watch', '--resource=upgrades.postcheck.dev', '-n', 'shop',
  ]); // biome-ignore format: a command line
  api.kubectl(['create', 'rolebinding', 'reader', '--role=reader', '--user=reader', '-n', 'shop']);
}, 600_000);
afterEach(() => {
  for (const stream of streams.splice(0)) {
    stream.abort();
  }
  for (const process of started.splice(0)) {
    process.kill('SIGKILL');
  }
});
afterAll(() => api?.stop());

/** The address of a dashboard that was started with these words. */
async function start(...words: string[]): Promise<{ url: string; process: ChildProcess }> {
  const env = { PATH: process.env['PATH'], HOME: '/nonexistent', KUBECONFIG: api.kubeconfig };
  const one = spawn(process.execPath, [await tool(), 'dashboard', ...words], {
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  started.push(one);
  const [url] = (await once(createInterface({ input: one.stdout }), 'line')) as [string];
  return { url, process: one };
}

/** All messages that a page receives, as they come. */
async function listenTo(url: string, query = ''): Promise<Message[]> {
  const stopping = new AbortController();
  streams.push(stopping);
  const answer = await fetch(`${url}events${query}`, { signal: stopping.signal });
  const received: Message[] = [];
  const read = async (): Promise<void> => {
    let text = '';
    for await (const part of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const messages = `${text}${part}`.split('\n\n');
      text = messages.pop() ?? '';
      received.push(...messages.map((message) => JSON.parse(message.replace(/^data: /, '')) as Message));
    }
  };
  read().catch(() => {});
  return received;
}

const fleetOf = (received: readonly Message[]): string[] | undefined =>
  received
    .flatMap((message) => (message.type === 'fleet' ? [message.cards.map(({ key }) => key).sort()] : []))
    .at(-1);

const notesOf = (received: readonly Message[]): string =>
  received.flatMap((message) => (message.type === 'about' ? [message.about.notes.join('\n')] : [])).at(-1) ??
  '';

async function post(url: string, request: Partial<ActRequest>): Promise<ActReply & { status: number }> {
  const answer = await fetch(`${url}act`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-postcheck-dashboard': 'act',
      origin: new URL(url).origin,
    },
    body: JSON.stringify(request),
  });
  return { status: answer.status, ...((await answer.json()) as ActReply) };
}

function requestFor(change: Partial<ActRequest> = {}): Partial<ActRequest> {
  const { metadata, status } = api.json<{ metadata: { uid: string }; status: { attempt: { number: number } } }>([
    'get', 'upgrade', 'web', '-n', 'shop',
  ]); // biome-ignore format: a command line
  return {
    verb: 'abort',
    namespace: 'shop',
    name: 'web',
    uid: metadata.uid,
    attempt: status.attempt.number,
    ...change,
  };
}

describe('what it shows', () => {
  test('is every Upgrade that the caller may list, and each that is created or deleted', async () => {
    const { url } = await start();
    const received = await listenTo(url);
    await eventually(() => fleetOf(received) !== undefined);
    expect(fleetOf(received)).toEqual(['bank/other', 'shop/web']);
    createUpgrade(api, 'bank', 'late', { scene: 'FellBack' });
    const changes = (): string => JSON.stringify(received.filter(({ type }) => type === 'cards'));
    await eventually(() => changes().includes('"key":"bank/late"'));
    api.kubectl(['delete', 'upgrade', 'late', '-n', 'bank']);
    await eventually(() => changes().includes('"gone":["bank/late"]'));
  });

  test('is an empty list where no Upgrade exists', async () => {
    const { url } = await start('-n', 'empty');
    const received = await listenTo(url);
    await eventually(() => fleetOf(received) !== undefined);
    expect(fleetOf(received)).toEqual([]);
  });

  test('is one namespace, with a note, if the caller may not list all', async () => {
    const { url } = await start('-n', 'shop', '--as', 'reader');
    const own = await listenTo(url);
    await eventually(() => fleetOf(own) !== undefined);
    expect([fleetOf(own), notesOf(own)]).toEqual([['shop/web'], '']);
    api.kubectl(['config', 'set-context', '--current', '--namespace=shop']);
    const { url: second } = await start('--as', 'reader');
    const received = await listenTo(second, '?namespace=shop&name=web');
    await eventually(() => fleetOf(received) !== undefined);
    api.kubectl(['config', 'set-context', '--current', '--namespace=']);
    expect(fleetOf(received)).toEqual(['shop/web']);
    expect(notesOf(received)).toMatch(
      /^Only namespace shop is shown\. forbidden: reader cannot list upgrades\.postcheck\.dev in the whole cluster/,
    );
    // Of the Upgrade itself what may not be read is left out and named.
    await eventually(() =>
      /"missing":\["[^"]*cannot (list|watch) (pods|deployments)/.test(JSON.stringify(received)),
    );
  });

  test('is an immediate error with verb and resource if the caller may list nothing', async () => {
    const { code, out, err } = await cli(['dashboard', '-n', 'shop', '--as', 'nobody'], {
      kubeconfig: api.kubeconfig,
    });
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(
      /^error: forbidden: nobody cannot list upgrades\.postcheck\.dev in namespace shop; you need/,
    );
  });

  test('ends with Ctrl-C, well, while pages are open', async () => {
    const { url, process } = await start();
    await listenTo(url);
    const ended = once(process, 'exit');
    process.kill('SIGINT');
    expect((await ended)[0]).toBe(0);
  });
});

describe('actions', () => {
  const annotation = (): string =>
    api.kubectl([
      'get', 'upgrade', 'web', '-n', 'shop', '-o', 'jsonpath={.metadata.annotations.postcheck\\.dev/abort}',
    ]); // biome-ignore format: a command line

  test('are rejected without --allow-actions', async () => {
    const { url } = await start();
    const { status, text } = await post(url, requestFor({ confirmed: true }));
    expect([status, text]).toEqual([403, 'this dashboard is read-only: start it with --allow-actions']);
    expect(annotation()).toBe('');
  });

  test('are described first, rejected if the Upgrade has changed since, and executed when confirmed', async () => {
    const { url } = await start('--allow-actions');
    const first = await post(url, requestFor());
    expect(first).toMatchObject({ status: 200, done: false, text: expect.stringContaining('web') });
    expect(annotation()).toBe('');
    for (const other of [{ attempt: 99 }, { uid: 'another' }]) {
      const refused = await post(url, requestFor({ ...other, confirmed: true }));
      expect(refused).toMatchObject({
        status: 409,
        text: expect.stringContaining('another attempt has started'),
      });
    }
    for (const wrong of [{ verb: 'delete' as never }, { name: '' }, { attempt: 'x' as never }]) {
      expect((await post(url, requestFor({ ...wrong, confirmed: true }))).status).toBe(400);
    }
    expect(await post(url, requestFor({ namespace: '../x', confirmed: true }))).toMatchObject({
      status: 409,
      done: false,
    });
    expect(annotation()).toBe('');
    expect(await post(url, requestFor({ confirmed: true }))).toMatchObject({ status: 200, done: true });
    expect(annotation()).toMatch(/^\d{4}-/);
  });

  test('pause and resume write spec.paused', async () => {
    const { url } = await start('--allow-actions');
    const paused = (): string =>
      api.kubectl(['get', 'upgrade', 'web', '-n', 'shop', '-o', 'jsonpath={.spec.paused}']);
    expect((await post(url, requestFor({ verb: 'pause', confirmed: true }))).done).toBe(true);
    expect(paused()).toBe('true');
    expect(await post(url, requestFor({ verb: 'pause' }))).toMatchObject({
      status: 409,
      text: 'it is already paused',
    });
    expect((await post(url, requestFor({ verb: 'resume', confirmed: true }))).done).toBe(true);
    expect(paused()).toBe('false');
  });

  test('use only the permissions of the caller', async () => {
    const { url } = await start('--allow-actions', '-n', 'shop', '--as', 'reader');
    const { status, text } = await post(url, requestFor({ verb: 'pause', confirmed: true }));
    expect([status, text]).toEqual([
      409,
      expect.stringContaining('reader cannot patch upgrades.postcheck.dev'),
    ]);
  });
});
