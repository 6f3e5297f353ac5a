/** Which fault is played by which tests; the generator of docs/reliability.md and what records their results read it. */

export type Played = readonly [file: string, ...titles: string[]];
export interface Fault {
  readonly id: string;
  readonly what: string;
  readonly where: readonly Played[];
  /** What is not played. */
  readonly open?: string;
}

const SIM = 'test/sim/faults.test.ts';
const LONG = 'test/sim/long.test.ts';
const EXEC = 'test/fault/exec.test.ts';
const WATCH = 'test/fault/reflector.test.ts';
const REQUEST = 'test/fault/request.test.ts';
const LEASE = 'test/api/lease.test.ts';
const IDENTITY = 'test/fault/identity.test.ts';
const PROXY: Played = ['test/fault/proxy.test.ts', 'whatever happens to its requests'];
const CRASH: Played = ['test/fault/crash.test.ts', 'an operator that dies at any kind of its writes'];
const OUTAGES = 'test/e2e/outages.test.ts';
const RIVALS = 'test/fault/rivals.test.ts';
const FUZZ: Played = ['test/fuzz/fuzz.test.ts', 'whatever comes, it is read or refused'];
const DECISIONS: Played = ['test/fuzz/decisions.test.ts', 'ten thousand cases of the schema'];

export const FAULTS: readonly Fault[] = [
  { id: 'F1', what: 'the process ends before, in or after any write', where: [['test/sim/crash.test.ts', 'ends every plan of "%s" as the run without a crash, wherever'], CRASH, ['test/e2e/kill.test.ts', 'an attempt whose operator is killed']] },
  { id: 'F2', what: 'it ends twice', where: [[SIM, 'that dies at two places']] },
  { id: 'F3', what: 'it ends again and again', where: [[SIM, 'that is killed every few seconds for ten minutes']] },
  { id: 'F4', what: 'a cache stops updating', where: [[SIM, 'of any kind that stands still for a minute']] },
  { id: 'F5', what: 'a first list from the past', where: [[SIM, 'that starts with old lists']] },
  { id: 'F6', what: 'an event is lost', where: [[SIM, 'that misses any single event']] },
  { id: 'F7', what: 'events late, doubled, in another order', where: [[SIM, 'whose events arrive late and in any order'], PROXY] },
  { id: 'F8', what: 'a watch dies, in every way', where: [[WATCH, 'it goes on by itself', 'a connection that freezes without closing', 'one that is for ever'], PROXY] },
  { id: 'F9', what: 'a watch ends after each event', where: [[WATCH, 'an event and an end, for ever'], PROXY] },
  { id: 'F10', what: 'a page of a list has expired', where: [[WATCH, 'pages that expire are begun again']] },
  { id: 'F11', what: 'every write conflicts', where: [[SIM, 'whichever it is, changes nothing about the end'], PROXY] },
  { id: 'F12', what: 'others write the same object all the time', where: [[LONG, 'times a second gets its version all the same'], [RIVALS, 'annotates the Deployment ten times a second', 'without a pause']] },
  { id: 'F13', what: '429 with every form of Retry-After', where: [[WATCH, 'after 429 nothing is asked'], [REQUEST, 'after 429 nothing is sent'], [EXEC, 'after 429 nothing is sent'], PROXY] },
  { id: 'F14', what: 'errors of the server, of proxies before it, outages', where: [[SIM, 'one time out of three for ten minutes', 'for as long as the API server is away'], PROXY, [OUTAGES, 'is killed and returns']] },
  { id: 'F15', what: 'an answer is lost, a request done twice', where: [PROXY, [REQUEST, 'again after a lost answer']] },
  { id: 'F16', what: 'etcd is restored from a backup', where: [['test/fault/restore.test.ts', 'an upgrade that was done is done again'], [WATCH, 'a server that was restored']] },
  { id: 'F17', what: 'a slow server', where: [PROXY, [REQUEST, 'what brings no whole answer is unavailable']] },
  { id: 'F18', what: 'tokens, authorities and rights change', where: [[IDENTITY, 'a token that is rotated', 'a token that is revoked', 'another authority', 'rights that are taken away', 'rights on nothing']] },
  { id: 'F19', what: 'an exec hangs', where: [[EXEC, 'an exec that hangs ends at its time']] },
  { id: 'F20', what: 'an exec floods', where: [[EXEC, 'keeps head and tail, the exit code, and our memory']] },
  { id: 'F21', what: 'an exec ends in every way', where: [[EXEC, 'a connection that ends without a status is broken', 'no frame can bring the process down'], PROXY] },
  { id: 'F22', what: 'an exec is refused', where: [[EXEC, 'a refused upgrade keeps'], PROXY] },
  { id: 'F23', what: 'every exit code', where: [['src/core/verification/exit-code-table.test.ts', 'all 256 exit codes']] },
  { id: 'F24', what: 'the pod or its node goes under the exec', where: [['test/sim/lost-node.test.ts', 'is left, the others go on, and it is named: $name'], ['test/fault/reference.test.ts', 'end as in the simulation'], [OUTAGES, 'a node without power']] },
  { id: 'F25', what: 'hundreds of execs at once, some faulty', where: [[EXEC, 'of two hundred execs at once']] },
  { id: 'F26', what: 'two leaders', where: [[SIM, 'two operators that both believe to lead']] },
  { id: 'F27', what: 'trouble with the lease', where: [[LEASE, 'a Lease edited by hand', 'a Lease taken by another', 'a holder with times in the future']] },
  { id: 'F28', what: 'clocks jump, drift, differ between replicas and nodes', where: [['test/sim/clock-set.test.ts', 'a clock that is set forward', 'changes nothing about how attempts end', 'nodes whose clocks are'], ['src/engine/node-clock.test.ts', 'what we saw counts']] },
  { id: 'F29', what: 'an orderly stop', where: [[SIM, 'that is told to stop answers for what is under way'], [LEASE, 'a graceful stop hands over']] },
  { id: 'F30', what: 'thousands of pods, hundreds of Upgrades', where: [['test/sim/crowd.test.ts', 'cost what happens to it'], ['src/core/rollout/advance.test.ts', 'as many at once as maxParallel allows']], open: 'aims at 5,000 pods: docs/scale.md' },
  { id: 'F31', what: 'hostile input', where: [FUZZ, DECISIONS, ['test/fuzz/http-head.test.ts', 'whatever an application answers'], ['test/fuzz/sockets.test.ts', 'whatever the peer sends'], ['test/fault/longest-input.test.ts', 'headers of a request'], ['test/fault/webhook-flood.test.ts', 'long reviews take a tenth', 'bodies of more than 32 MiB', 'at most 256 connections']], open: 'Node.js itself aborted once in some 200,000 hostile gRPC answers (the assertion of [nodejs/node#39951](https://github.com/nodejs/node/issues/39951)), and not again: the operator would be started anew' },
  { id: 'F32', what: 'walks through valid changes', where: [['test/sim/walk.test.ts', 'walks through changes', 'walks of fleets', 'are all undone']] },
  { id: 'F33', what: 'rivals change the same things', where: [['test/sim/stories.test.ts', 'does not fight somebody else who changes the image'], [RIVALS, 'an autoscaler', 'a quota', 'a namespace', 'a webhook'], ['test/e2e/disruption.test.ts', 'a drain takes no pod', 'a Deployment that is scaled']] },
  { id: 'F34', what: 'long timers', where: [['test/sim/late-write.test.ts', 'could be written only after 20 minutes']] },
  { id: 'F35', what: 'nothing happens', where: [['test/sim/restart.test.ts', 'at rest'], [LONG, 'is left alone for a whole day']] },
  { id: 'F36', what: 'everything, for long', where: [[LONG, 'loses no upgrade of days on end']] },
  { id: 'F37', what: 'the operator is upgraded in the middle', where: [['test/sim/versions.test.ts', 'is kept to the end', 'left out of an attempt under way'], ['test/fault/versions.test.ts', 'when another process goes on']], open: 'an older release, as there is none yet' },
  { id: 'F38', what: 'log volume during a fault', where: [['test/fault/proxy.test.ts', 'and the log stays short'], ['src/telemetry/logger.test.ts', 'credentials do not reach the log']] },
]; // biome-ignore format: a table
