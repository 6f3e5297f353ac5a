/** docs/reliability.md and the table in README.md: which fault is played where, and how that went when it was recorded last. */
import { readFileSync } from 'node:fs';
import { ROWS } from '../test/fault/fault-rows.ts';
import { loadHeld } from './generate-scale.ts';
import {
  confidence,
  type MutatedFile,
  type MutatedSample,
  readMutated,
  totalOf,
} from './mutation-results.ts';
import { FAULTS, type Fault, type Played } from './reliability-faults.ts';
import { FIGURES, figureRows } from './reliability-figures.ts';
import { recoveryText, slowest, TIMES } from './reliability-recovery.ts';
import { type Outcome, readResults } from './reliability-results.ts';

const { faults: outcomes, measured } = readResults();
const recoveries = measured.recoveries ?? {};
const mutated = readMutated();

/** Throws when a test that is claimed is not there. */
function played(id: string, [file, ...titles]: Played): string {
  const text = readFileSync(file, 'utf8');
  const missing = titles.filter((title) => !text.includes(title));
  if (missing.length > 0) {
    throw new Error(`${file} has no ${missing.map((title) => JSON.stringify(title)).join(', ')}`);
  }
  return `[${file}](../${file}): ${said(outcomes[id]?.[file])}`;
}

const said = (outcome: Outcome | undefined): string =>
  outcome === undefined
    ? 'not recorded yet'
    : `${outcome.passed} passed${outcome.failed > 0 ? `, **${outcome.failed} failed**` : ''} (${outcome.date}, ${outcome.commit})`;

function row({ id, what, where, open }: Fault): string {
  const onApi = ROWS.filter((one) => one.id === id).length;
  const plans = onApi > 0 ? `${onApi} × 2 stories` : '';
  return `| ${id} | ${what} | ${where.map((one) => played(id, one)).join('<br>')} | ${plans} | ${recoveryText(recoveries, id)} | ${open ?? ''} |`;
}

/** What is measured by runs that take long; what was not recorded yet has no figure. */
const MEASURED: readonly {
  readonly what: string;
  readonly how: string;
  readonly figure: () => string | undefined;
}[] = [
  {
    what: 'bugs planted into the sources that a test catches',
    how: 'RECORD=1 node test/sim/planted.ts',
    figure: () =>
      measured.planted && `${measured.planted.caught} of ${measured.planted.of}${stamp(measured.planted)}`,
  },
  {
    what: 'hostile inputs: to parsers, over sockets, to decisions',
    how: 'RECORD=1 node test/fuzz/soak.ts',
    figure: () =>
      measured.fuzz &&
      `${[measured.fuzz.parsers, measured.fuzz.sockets, measured.fuzz.decisions].map((cases) => cases.toLocaleString('en')).join(', ')}${stamp(measured.fuzz)}`,
  },
  {
    what: 'upgrades under random faults on a real API server',
    how: 'RECORD=1 make soak',
    figure: () =>
      measured.soak &&
      `${measured.soak.upgrades.toLocaleString('en')} in ${measured.soak.minutes} minutes, ${measured.soak.fellBack.toLocaleString('en')} of them bad: ${measured.soak.lost} lost, ${measured.soak.wrong} wrong; heap, descriptors, sockets and timers of the last third by the first: ${[measured.soak.heap, measured.soak.descriptors, measured.soak.sockets, measured.soak.timers].join(', ')}${stamp(measured.soak)}`,
  },
  {
    what: 'load held on a real API server with simulated nodes',
    how: 'RECORD=1 make bench-scale PODS=5000 UPGRADES=1000 FAILING=200',
    figure: loadHeld,
  },
  {
    what: 'small changes of the core, chosen at random, that a test notices',
    how: 'RECORD=1 node test/mutation/run.ts --sample 500',
    figure: () => mutated.sample && sampleScore(mutated.sample),
  },
  {
    what: 'all small changes of some files that decide',
    how: 'RECORD=1 make mutation',
    figure: mutationScore,
  },
];

function mutationScore(): string | undefined {
  const { mutants, noticed } = totalOf(mutated);
  const percent = (part: number, whole: number): string => `${Math.floor((100 * part) / whole)} %`;
  return mutants > 0
    ? `${noticed.toLocaleString('en')} of ${mutants.toLocaleString('en')} (${percent(noticed, mutants)}), in ${percent(mutants, mutated.core)} of the core`
    : undefined;
}

function sampleScore(sample: MutatedSample): string {
  const [from, to] = confidence(sample).map((part) => (100 * part).toFixed(0));
  return `${sample.noticed} of ${sample.mutants} out of ${mutated.core.toLocaleString('en')}: ${from} to ${to} % of all, with 95 % confidence${stamp(sample)}`;
}

const mutatedRow = ([file, { mutants, noticed, date, commit }]: [string, MutatedFile]): string =>
  `| ${file} | ${mutants} | ${noticed} | ${date}, ${commit} |`;

const survivors = ([title, played]: [string, MutatedFile | undefined]): readonly string[] =>
  played && played.alive.length > 0 ? [title, ...played.alive.map((one) => `  ${one}`)] : [];

const stamp = ({ date, commit }: Pick<Outcome, 'date' | 'commit'>): string => ` (${date}, ${commit})`;

const TIME_TEXTS = { virtual: 'virtual time', real: 'runs on a real API server' } as const;

const BEGIN = '<!-- reliability: begin -->';
const END = '<!-- reliability: end -->';

const recorded = FAULTS.flatMap(({ id }) => Object.values(outcomes[id] ?? {}));
const sum = (of: (outcome: Outcome) => number) => recorded.reduce((all, one) => all + of(one), 0);

const faultRows = (): string[] => [
  `| known kinds of faults that are tested | ${FAULTS.filter(({ where }) => where.length > 0).length} of ${FAULTS.length} |`,
  `| their tests in the last recorded runs: passed, failed | ${sum(({ passed }) => passed)}, ${sum(({ failed }) => failed)} |`,
];

const measuredRows = (isShown: (what: string) => boolean): string[] =>
  MEASURED.flatMap(({ what, figure }) => (isShown(what) && figure() ? [`| ${what} | ${figure()} |`] : []));

/** What README.md shows of the figures; the page has them all. */
const IN_README: readonly string[] = [
  FIGURES.crashPlans.text,
  FIGURES.weekUpgrades.text,
  FIGURES.weekWrong.text,
  'bugs planted into the sources that a test catches',
  'upgrades under random faults on a real API server',
  'load held on a real API server with simulated nodes',
];
const isInReadme = (text: string): boolean => IN_README.some((what) => text.includes(what));

/** README.md with its table as the results are. */
export function withReliability(readme: string): string {
  const [before = '', rest = ''] = readme.split(BEGIN);
  const [, after = ''] = rest.split(END);
  const table = [
    '| | |',
    '|---|---|',
    ...faultRows(),
    ...figureRows(measured.counted ?? {}).filter(isInReadme),
    ...measuredRows(isInReadme),
  ];
  return `${before}${BEGIN}\n${table.join('\n')}\n${END}${after}`;
}

/** The figures that runs of the tests count. */
const countedTable = (): string =>
  [
    '| | |',
    '|---|---|',
    ...faultRows(),
    `| kinds of disturbed requests to a real API server | ${ROWS.length} |`,
    ...figureRows(measured.counted ?? {}),
    ...TIMES.flatMap((time) => {
      const recovery = slowest(recoveries, time);
      return recovery ? [`| slowest recovery from a fault, in ${TIME_TEXTS[time]} | ${recovery} |`] : [];
    }),
  ].join('\n');

export const reliabilityPage =
  (): string => `<!-- generated by \`npm run generate\` from scripts/generate-reliability.ts -->
# What can go wrong, and how it is tested

Tests inject each fault, and fail if it does harm: a wrong rollback, a lost upgrade, an endless loop.
The same stories run in three environments: the simulation in virtual time (\`test/sim\`), a real API server behind a faulty proxy (\`test/fault\`), and real nodes (\`test/e2e\`).
A story on the real API server must end as in the simulation: a difference is a bug in one of the two.
The numbers are recorded results: \`RECORD=1\` before \`make test\`, \`make soak\` and \`make nightly\` writes the results with date and commit, and this page shows the last ones.
\`make test\` plays one of eight crashes and faults of the simulation, the same each time, with each kind of request in each story; \`make nightly\` plays all.

"Slowest recovery" says how much later an upgrade ended than without the fault, or than the fault itself if that is later: the slowest of all runs, in the simulation's time and on a real API server.
A process that ends is started again after 3 s in the simulation, and at once at the proxy.

| | Fault | Tested in | At the proxy | Slowest recovery | Not tested yet |
|---|---|---|---|---|---|
${FAULTS.map(row).join('\n')}

## Measured

${countedTable()}

| | Last recorded | By |
|---|---|---|
${MEASURED.map(({ what, how, figure }) => `| ${what} | ${figure() ?? 'not recorded yet'} | \`${how}\` |`).join('\n')}

## Small changes of the code

\`make mutation\` changes the files that decide in every small way that [Stryker](https://stryker-mutator.io)'s instrumenter knows, one at a time, and runs the tests beside the code until one fails.
What no test noticed is a gap, or changes nothing that matters.
\`--sample N\` plays so many changes of all files of \`src/core\`, chosen at random, and the stories of the simulation too.

| File | Changes | Noticed | Recorded |
|---|---|---|---|
${Object.entries(mutated.files).map(mutatedRow).join('\n')}

Not noticed:

\`\`\`text
${[...Object.entries(mutated.files).flatMap(survivors), ...survivors(['of the sample', mutated.sample])].join('\n')}
\`\`\`

## At the proxy

The operator's engine and its real client connect through it to etcd, kube-apiserver and the controllers; the proxy rejects every write without a precondition.

${ROWS.map(({ id, name }) => `- ${id}: ${name}`).join('\n')}

## From public reports

| Reported | Tested here |
|---|---|
| a watch from a version of the future misses every event after etcd was restored ([kubernetes#107457](https://github.com/kubernetes/kubernetes/issues/107457)) | F16: the operator exits and starts over |
| a reset while a watch is being opened, and the operator receives no more events ([kopf#996](https://github.com/nolar/kopf/issues/996)) | F8: every connection is reset, refused and cut |
| a watch goes silent behind a load balancer ([kopf#1120](https://github.com/nolar/kopf/issues/1120)) | F8: pings detect a frozen connection |
| GOAWAY ends the watches ([operator-sdk#1282](https://github.com/operator-framework/operator-sdk/issues/1282)) | F8: GOAWAY every 0.7 s |
| \`kubectl exec\` says 0 when the connection is lost ([kubectl#1726](https://github.com/kubernetes/kubectl/issues/1726), [runner-container-hooks#396](https://github.com/actions/runner-container-hooks/issues/396)) | F21: no status, no verdict |
| a token is read once and used forever ([java#2110](https://github.com/kubernetes-client/java/issues/2110), [kubeclient#530](https://github.com/ManageIQ/kubeclient/issues/530)) | F18: rotated and revoked |
| a leader that cannot renew its lease exits while etcd or the API server is away ([kubernetes#49260](https://github.com/kubernetes/kubernetes/issues/49260), [VictoriaMetrics/operator#165](https://github.com/VictoriaMetrics/operator/issues/165)) | F14: kube-apiserver and etcd are killed until a replica exits; the attempts end as they would have |
| a rollout tool cannot tell a lost node from a bad version, and a lost node holds up a rollout ([kubernetes#117204](https://github.com/kubernetes/kubernetes/issues/117204), [kubernetes#139226](https://github.com/kubernetes/kubernetes/issues/139226)) | F24: a node loses its power for longer than the deadline |
| conflicts with other writers of a Deployment use up the retries, and the rollout never proceeds ([argo-rollouts#1904](https://github.com/argoproj/argo-rollouts/issues/1904), [mortise#34](https://github.com/mortise-org/mortise/issues/34)) | F12: ten annotations a second; before, the images were never written |
| an object changes so often that an update with its resource version always comes too late ([kubernetes#8625](https://github.com/kubernetes/kubernetes/issues/8625)) | F12: labels of the Upgrade and annotations of the Deployment are written without a pause; before, a fallback waited until that ended |
| an autoscaler scales in the middle of a rollout, which then never ends ([argo-rollouts#3848](https://github.com/argoproj/argo-rollouts/issues/3848)) | F33: a HorizontalPodAutoscaler scales up and down while pods wait behind their gates |
| a finalizer keeps a deleted namespace forever ([operator-sdk#3625](https://github.com/operator-framework/operator-sdk/issues/3625), [java-operator-sdk#1876](https://github.com/operator-framework/java-operator-sdk/issues/1876)) | F33: a namespace is deleted in the middle of an attempt |
| 403 for a while after the API server restarted ([kubernetes#121635](https://github.com/kubernetes/kubernetes/issues/121635)) | F8, F18: 403 on every watch and on writes, resumed without a restart |
| an informer that begins again leaves its connection behind ([kubernetes-client/javascript#494](https://github.com/kubernetes-client/javascript/issues/494)) | F31: after hundreds of watches that broke in every way one connection is left (test/fuzz/sockets.test.ts) |
| a WebSocket whose upgrade is refused leaves its connection behind ([fabric8io/kubernetes-client#1090](https://github.com/fabric8io/kubernetes-client/issues/1090)) | F31: thousands of hostile execs, one of ten with a broken upgrade, leave none (test/fuzz/sockets.test.ts) |
| an operator's memory grows with each reconnect of a watch ([dotnet-operator-sdk#824](https://github.com/dotnet/dotnet-operator-sdk/issues/824)), its sockets by themselves ([grafana-operator#342](https://github.com/grafana/grafana-operator/issues/342)), its timers with each reconcile ([cloud-on-k8s#1984](https://github.com/elastic/cloud-on-k8s/issues/1984)) | F36: the soak compares heap, descriptors, sockets and timers of its last third with the first (test/fault/soak.ts) |
| an operator's own status writes make it reconcile without end ([zookeeper-operator#389](https://github.com/pravega/zookeeper-operator/issues/389), [operator-lifecycle-manager#1816](https://github.com/operator-framework/operator-lifecycle-manager/pull/1816)) | F35: the soak ends with a time at rest, in which nothing may be written (test/fault/soak.ts) |
| a finalizer keeps a deleted namespace ([onepassword-operator#55](https://github.com/1Password/onepassword-operator/issues/55), [opensearch-k8s-operator#976](https://github.com/opensearch-project/opensearch-k8s-operator/issues/976)) | the soak deletes each namespace amid an attempt, and it has to go (test/fault/soak.ts) |
| a webhook that does not respond blocks every write of an operator, which does not say so ([cloud-on-k8s#3799](https://github.com/elastic/cloud-on-k8s/issues/3799), [kserve#3770](https://github.com/kserve/kserve/issues/3770)) | F33: a fallback meets a webhook that is gone; before, it was retried without a word, now it is named after 20 s (test/fault/rivals.test.ts) |
| a load balancer cuts a silent exec ([kubernetes#94301](https://github.com/kubernetes/kubernetes/issues/94301), [kubernetes-client/javascript#2870](https://github.com/kubernetes-client/javascript/issues/2870)) | F19: pings for as long as the command runs; before, only at its beginning and end (test/fault/exec.test.ts) |
| a quota keeps the ReplicaSet from being created, and nothing says so ([kubernetes#36117](https://github.com/kubernetes/kubernetes/issues/36117), [origin#8748](https://github.com/openshift/origin/issues/8748)) | the quota is named; before, it was not (test/fault/administrators.test.ts) |
| a quota has no room for the pods of a rollout, which is rolled back or stuck ([kubernetes#89209](https://github.com/kubernetes/kubernetes/issues/89209), [flagger#1247](https://github.com/fluxcd/flagger/issues/1247)), or a Secret is missing ([kubedog#198](https://github.com/werf/kubedog/issues/198)) | no evidence against the version; it is named, and the attempt goes on afterwards (test/api/refusals.test.ts, test/sim/held-up.test.ts, test/sim/situations.test.ts) |
| exec fails while everything else works: no tunnel to the nodes ([k0s#5503](https://github.com/k0sproject/k0s/issues/5503), [k0s#3784](https://github.com/k0sproject/k0s/issues/3784)), no certificate of the kubelet ([kubeadm#591](https://github.com/kubernetes/kubeadm/issues/591)) | no pod fails, the error is named, and the attempt goes on afterwards (test/fault/administrators.test.ts) |
| etcd is out of space, and rejects every write ([kubernetes#94029](https://github.com/kubernetes/kubernetes/issues/94029), [k3s#4787](https://github.com/k3s-io/k3s/issues/4787)) | a good and a bad version end as they would have (test/fault/storage.test.ts) |
| a CustomResourceDefinition is deleted: finalizers block it ([nack#90](https://github.com/nats-io/nack/issues/90)), or the operator needs a restart once it is back ([controller-runtime#2589](https://github.com/kubernetes-sigs/controller-runtime/issues/2589)) | the attempt is rolled back, pods start without it, and the same process goes on (test/fault/storage.test.ts) |
| a StatefulSet is deleted without its pods and created again, and its rollout is stuck ([kubernetes#141876](https://github.com/kubernetes/kubernetes/issues/141876)) | the pods that it adopts are verified (test/fault/administrators.test.ts) |
| \`kubectl rollout undo\` in the middle of a rollout leaves updated pods behind ([tidb-operator#5204](https://github.com/pingcap/tidb-operator/issues/5204)), or has no effect ([argo-rollouts#1254](https://github.com/argoproj/argo-rollouts/issues/1254)) | it aborts the attempt: every pod goes back, and is verified; before, the attempt ended as a conflict and left the rest as it was (test/fault/people.test.ts, test/sim/people.test.ts) |
| a rollback sets the wrong image in the container of another team ([managed-gitops#467](https://github.com/redhat-appstudio/managed-gitops/pull/467)) | a retry and a newer version leave it as it is; before, they set the image of before the first attempt (test/sim/people.test.ts) |
| a StatefulSet waits forever for its broken pod ([kubernetes#67250](https://github.com/kubernetes/kubernetes/issues/67250)) | the pod is deleted, also if the fallback fails immediately (test/sim/freed.test.ts); a pod that was broken before the attempt is not deleted but named, with the command (test/sim/stories.test.ts) |
`;
