/** docs/reliability.md: which fault is played where. A test that is named here and no longer exists stops the generator. */
import { readFileSync } from 'node:fs';
import { ROWS } from '../test/fault/rows.ts';

type Played = readonly [file: string, ...titles: string[]];
interface Fault {
  readonly id: string;
  readonly what: string;
  readonly where: readonly Played[];
  /** What is not played. */
  readonly open?: string;
}

const SIM = 'test/sim/faults.test.ts';
const EXEC = 'test/fault/exec.test.ts';
const WATCH = 'test/fault/reflector.test.ts';
const REQUEST = 'test/fault/request.test.ts';
const LEASE = 'test/api/lease.test.ts';
const IDENTITY = 'test/fault/identity.test.ts';
const PROXY: Played = ['test/fault/proxy.test.ts', 'whatever happens to its requests'];
const CRASH: Played = ['test/fault/crash.test.ts', 'an operator that dies at any kind of its writes'];
const FUZZ: Played = ['test/fuzz/fuzz.test.ts', 'whatever comes, it is read or refused'];

const FAULTS: readonly Fault[] = [
  { id: 'F1', what: 'the process ends before, in or after any write', where: [['test/sim/crash.test.ts', 'ends every plan of "%s" as the run without a crash, wherever'], CRASH, ['test/e2e/kill.test.ts', 'an attempt whose operator is killed']] },
  { id: 'F2', what: 'it ends twice', where: [[SIM, 'that dies at two places']] },
  { id: 'F3', what: 'it ends again and again', where: [[SIM, 'that is killed every few seconds for ten minutes']] },
  { id: 'F4', what: 'a cache stands still', where: [[SIM, 'of any kind that stands still for a minute']] },
  { id: 'F5', what: 'a first list from the past', where: [[SIM, 'that starts with old lists']] },
  { id: 'F6', what: 'an event is lost', where: [[SIM, 'that misses any single event']] },
  { id: 'F7', what: 'events late, doubled, in another order', where: [[SIM, 'whose events arrive late and in any order'], PROXY] },
  { id: 'F8', what: 'a watch dies, in every way', where: [[WATCH, 'it goes on by itself', 'a connection that freezes without closing', 'one that is for ever'], PROXY] },
  { id: 'F9', what: 'a watch ends after each event', where: [[WATCH, 'an event and an end, for ever'], PROXY] },
  { id: 'F10', what: 'a page of a list has expired', where: [[WATCH, 'pages that expire are begun again']] },
  { id: 'F11', what: 'every write conflicts', where: [[SIM, 'whichever it is, changes nothing about the end'], PROXY] },
  { id: 'F12', what: 'others write the same object all the time', where: [], open: 'a writer of ten changes a second on a real API server' },
  { id: 'F13', what: '429 with every form of Retry-After', where: [[WATCH, 'after 429 nothing is asked'], [REQUEST, 'after 429 nothing is sent'], [EXEC, 'after 429 nothing is sent'], PROXY] },
  { id: 'F14', what: 'errors of the server, of proxies before it, outages', where: [[SIM, 'one time out of three for ten minutes', 'for as long as the API server is away'], PROXY] },
  { id: 'F15', what: 'an answer is lost, a request done twice', where: [PROXY, [REQUEST, 'again after a lost answer']] },
  { id: 'F16', what: 'etcd is restored from a backup', where: [['test/fault/restore.test.ts', 'an upgrade that was done is done again'], [WATCH, 'a server that was restored']] },
  { id: 'F17', what: 'a slow server', where: [PROXY, [REQUEST, 'what brings no whole answer is unavailable']] },
  { id: 'F18', what: 'tokens, authorities and rights change', where: [[IDENTITY, 'a token that is rotated', 'a token that is revoked', 'another authority', 'rights that are taken away', 'rights on nothing']] },
  { id: 'F19', what: 'an exec hangs', where: [[EXEC, 'an exec that hangs ends at its time']] },
  { id: 'F20', what: 'an exec floods', where: [[EXEC, 'keeps head and tail, the exit code, and our memory']] },
  { id: 'F21', what: 'an exec ends in every way', where: [[EXEC, 'a connection that ends without a status is broken', 'no frame can bring the process down'], PROXY] },
  { id: 'F22', what: 'an exec is refused', where: [[EXEC, 'a refused upgrade keeps'], PROXY] },
  { id: 'F23', what: 'every exit code', where: [['src/core/verification/exit-code-table.test.ts', 'all 256 exit codes']] },
  { id: 'F24', what: 'the pod or its node goes under the exec', where: [['test/sim/lost-node.test.ts', 'every pod of the nodes that are left'], ['test/fault/reference.test.ts', 'diesUnderTheCheck']] },
  { id: 'F25', what: 'hundreds of execs at once, some faulty', where: [[EXEC, 'of two hundred execs at once']] },
  { id: 'F26', what: 'two leaders', where: [[SIM, 'two operators that both believe to lead']] },
  { id: 'F27', what: 'trouble with the lease', where: [[LEASE, 'a Lease edited by hand', 'a Lease taken by another', 'a holder with times in the future']] },
  { id: 'F28', what: 'clocks jump', where: [['test/sim/clock-set.test.ts', 'a clock that is set forward']], open: 'drift, and skew between replicas' },
  { id: 'F29', what: 'an orderly stop', where: [[SIM, 'that is told to stop answers for what is under way'], [LEASE, 'a graceful stop hands over']] },
  { id: 'F30', what: 'thousands of pods, hundreds of Upgrades', where: [['test/sim/crowd.test.ts', 'cost what happens to it'], ['test/bench/footprint.ts', 'pods watched']], open: 'simulated nodes on a real API server' },
  { id: 'F31', what: 'hostile input', where: [FUZZ, ['test/fault/longest-input.test.ts', 'headers of a request']], open: 'a million cases from the schema for the core' },
  { id: 'F32', what: 'walks through valid changes', where: [['test/sim/walk.test.ts', 'walk']], open: 'walks with undo' },
  { id: 'F33', what: 'rivals change the same things', where: [['test/sim/stories.test.ts', 'foreign']] },
  { id: 'F34', what: 'long timers', where: [['test/sim/late-write.test.ts', 'could be written only after 20 minutes']] },
  { id: 'F35', what: 'nothing happens', where: [['test/sim/restart.test.ts', 'at rest']], open: 'a whole virtual day' },
  { id: 'F36', what: 'everything, for long', where: [], open: 'a week in virtual time' },
  { id: 'F37', what: 'the operator is upgraded in the middle', where: [], open: 'old and new in turn' },
  { id: 'F38', what: 'what is told meanwhile', where: [['test/fault/compare.ts', 'violations']], open: 'a bound on lines a second' },
]; // biome-ignore format: a table

/** Throws when a test that is claimed is not there. */
function played([file, ...titles]: Played): string {
  const text = readFileSync(file, 'utf8');
  const missing = titles.filter((title) => !text.includes(title));
  if (missing.length > 0) {
    throw new Error(`${file} has no ${missing.map((title) => JSON.stringify(title)).join(', ')}`);
  }
  return `[${file}](../${file})`;
}

function row({ id, what, where, open }: Fault): string {
  const onApi = ROWS.filter((one) => one.id === id).length;
  const plans = onApi > 0 ? `${onApi} × 2 stories` : '';
  return `| ${id} | ${what} | ${where.map(played).join('<br>')} | ${plans} | ${open ?? ''} |`;
}

export const reliabilityPage =
  (): string => `<!-- generated by \`npm run generate\` from scripts/generate-reliability.ts -->
# What can go wrong, and where it is played

Each fault is played by tests that fail when it does harm: a wrong rollback, a lost upgrade, an endless loop.
Three benches tell the same stories: the simulation in virtual time (\`test/sim\`), a real API server behind a proxy that lies (\`test/fault\`), and real nodes (\`test/e2e\`).
A story on the real API server must end as in the simulation: a difference is a bug in one of the two.

| | Fault | Played in | At the proxy | Not played yet |
|---|---|---|---|---|
${FAULTS.map(row).join('\n')}

## At the proxy

The operator's engine and its real client speak through it to etcd, kube-apiserver and the controllers; every write without a precondition is refused as a broken rule.

${ROWS.map(({ id, name }) => `- ${id}: ${name}`).join('\n')}

## From public reports

| Reported | Played here |
|---|---|
| a watch from a version of the future misses every event after etcd was restored ([kubernetes#107457](https://github.com/kubernetes/kubernetes/issues/107457)) | F16: the operator ends by itself and begins anew |
| a reset while a watch is being opened, and the operator is deaf ([kopf#996](https://github.com/nolar/kopf/issues/996)) | F8: resets, refusals and cuts of every connection |
| a watch goes silent behind a load balancer ([kopf#1120](https://github.com/nolar/kopf/issues/1120)) | F8: a connection that freezes is noticed by its pings |
| GOAWAY ends the watches ([operator-sdk#1282](https://github.com/operator-framework/operator-sdk/issues/1282)) | F8: GOAWAY every 0.7 s |
| \`kubectl exec\` says 0 when the connection is lost ([kubectl#1726](https://github.com/kubernetes/kubectl/issues/1726), [runner-container-hooks#396](https://github.com/actions/runner-container-hooks/issues/396)) | F21: no status, no verdict |
| a token is read once and used for ever ([java#2110](https://github.com/kubernetes-client/java/issues/2110), [kubeclient#530](https://github.com/ManageIQ/kubeclient/issues/530)) | F18: rotated and revoked |
| a StatefulSet waits for its broken pod for ever ([kubernetes#67250](https://github.com/kubernetes/kubernetes/issues/67250)) | freed, also when the fallback fails at once (test/sim/freed.test.ts); one that was broken before the attempt is not deleted but named, with the command (test/sim/stories.test.ts) |
`;
