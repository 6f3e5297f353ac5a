/**
 * All tests, in stages, each with as much at once as it bears: `node scripts/test.ts [STAGE…]`.
 * Ends with the line `N passed, N failed, N skipped`. Under CI=true a skipped test is a failure. With RECORD=1 the results of the faults' tests
 * are kept in docs/reliability.json, for `npm run generate`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { constants, setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { argv, env, execPath, exit, stdout } from 'node:process';
import { text } from 'node:stream/consumers';
import { recordResults } from './reliability-results.ts';

interface Stage {
  readonly name: string;
  /** Which test files, as jest takes patterns, and which of these not. */
  readonly files: string;
  readonly except?: string;
  /** Test files at once. */
  readonly workers: number;
  /** The stage at whose time it runs, if that runs too: that one computes and needs no cluster, this one mostly waits for the cluster. */
  readonly beside?: 'unit' | 'api';
  /** Runs on the test cluster. */
  readonly onCluster?: true;
  /** Plays all of what is otherwise played in part: test/support/share.ts. */
  readonly whole?: true;
  /** For what must be built before (`make release-dry`), or takes long (`make nightly`, `make nightly-nodes`), or is about what seldom changes (`make kubelet`). */
  readonly onlyWhenNamed?: true;
}

/**
 * Whole upgrades on a real API server, disturbed by a proxy, by rivals, or by a second release, a minute or more a file; cert-manager, which takes minutes
 * to build; the readiness script a thousand times, while something else keeps a core busy; and the download of Kubernetes in every way in which it fails.
 */
const LONG =
  '(/test/fault/(reference|crash|proxy|restore|identity|versions|cert-manager|rivals|administrators|people|storage|releases)|/container/readiness-probe-load|/test/cluster/download-kubernetes)\\.';

/**
 * On nodes: what is killed there for minutes; what differs from other tests in one respect that the simulation plays too, as the operator killed in
 * each stage of a rollout, the Parallel StatefulSet beside the ordered one, and what else holds up a rollout; the Upgrades of the examples, which are
 * validated with all tests.
 */
const LONG_ON_NODES = '/test/e2e/(outages|stages-killed|statefulset-parallel|held-up|example-upgrades)\\.';

/** Tests on a real API server or on nodes wait much of the time: one more at once than there are cores. What counts exactly runs while nobody else upgrades anything; so does what changes the operator that the other tests use: kills, and at the end the audit of its rights, install and uninstall. */
const STAGES: readonly Stage[] = [
  {
    name: 'unit',
    files: '\\.test\\.ts$',
    except: `/test/(api|fault|cluster|images|e2e|release)/|${LONG}`,
    workers: 2,
  },
  {
    name: 'e2e-kill',
    files: '/test/e2e/(kill|rollout-checks).*\\.test\\.ts$',
    workers: 1,
    beside: 'unit',
    onCluster: true,
  },
  {
    name: 'e2e-alone',
    files: '/test/e2e/(traffic|metrics).*\\.test\\.ts$',
    workers: 1,
    beside: 'unit',
    onCluster: true,
  },
  {
    name: 'e2e',
    files: '/test/(images|e2e)/(?!traffic|metrics|kill|kubelet-|rollout-checks|rbac|chart).*\\.test\\.ts$',
    except: LONG_ON_NODES,
    workers: 3,
    onCluster: true,
  },
  { name: 'e2e-rbac', files: '/test/e2e/rbac.*\\.test\\.ts$', workers: 1, onCluster: true },
  {
    name: 'api',
    files: '/test/(api|fault|cluster)/',
    except: LONG,
    workers: 3,
  },
  { name: 'e2e-chart', files: '/test/e2e/chart.*\\.test\\.ts$', workers: 1, beside: 'api', onCluster: true },
  {
    name: 'nodes',
    files: LONG_ON_NODES,
    workers: 1,
    onCluster: true,
    onlyWhenNamed: true,
  },
  {
    name: 'kubelet',
    files: '/test/e2e/kubelet-.*\\.test\\.ts$',
    workers: 2,
    onCluster: true,
    onlyWhenNamed: true,
  },
  { name: 'sweeps', files: '/test/sim/.*\\.test\\.ts$', workers: 2, whole: true, onlyWhenNamed: true },
  { name: 'long', files: LONG, workers: 1, onlyWhenNamed: true },
  { name: 'release', files: '/test/release/.*\\.test\\.ts$', workers: 1, onlyWhenNamed: true },
];

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

interface JestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly numRuntimeErrorTestSuites: number;
}

/** Copies of the project's files that are none of its tests. */
const NEVER = '/(node_modules|dist|\\.cluster)/';

const folder = mkdtempSync(join(tmpdir(), 'postcheck-tests-'));
const figures = join(folder, 'figures.jsonl');
/** Tests start the operator again and again: its types are stripped, and it is compiled, once. */
const compiled = join(folder, 'compiled');

/** While another stage runs too: it gives way to that one, or its lines are held until it has ended, since those of two would be mixed. */
type Manner = 'givesWay' | 'isHeld';

async function run(stage: Stage, manner?: Manner): Promise<Counts> {
  const { name, files, except = NEVER, workers, whole } = stage;
  const isHeld = manner === 'isHeld';
  const began = performance.now();
  const report = join(folder, `${name}.json`);
  const running = spawn(
    execPath,
    [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      // With more room for what lives for a moment, the simulation takes 7 % less of the processor.
      '--max-semi-space-size=64',
      'node_modules/jest/bin/jest.js',
      '--testPathPatterns',
      files,
      '--testPathIgnorePatterns',
      NEVER,
      except,
      '--maxWorkers',
      String(workers),
      '--json',
      '--outputFile',
      report,
    ],
    {
      stdio: ['ignore', 'ignore', isHeld ? 'pipe' : 'inherit'],
      env: {
        NODE_COMPILE_CACHE: compiled,
        ...env,
        ...(whole && { SWEEPS: 'whole' }),
        ...(env['RECORD'] && { FIGURES: figures }),
      },
    },
  );
  if (manner === 'givesWay' && running.pid !== undefined) {
    setPriority(running.pid, constants.priority.PRIORITY_BELOW_NORMAL);
  }
  const heading = `\n── ${name} ──\n`;
  if (!isHeld) {
    stdout.write(heading);
  }
  const [output, [status]] = await Promise.all([
    running.stderr === null ? '' : text(running.stderr),
    once(running, 'close'),
  ]);
  if (isHeld) {
    stdout.write(`${heading}${output}`);
  }
  const counts = existsSync(report)
    ? countsOf(JSON.parse(readFileSync(report, 'utf8')) as JestReport)
    : { passed: 0, failed: 1, skipped: 0 };
  // A run that ends badly without a failed test (a crash, no test found) has failed all the same.
  const failed = counts.failed === 0 && status !== 0 ? 1 : counts.failed;
  stdout.write(
    `${name}: ${counts.passed} passed, ${failed} failed, ${counts.skipped} skipped in ${Math.round((performance.now() - began) / 1000)} s\n`,
  );
  return { ...counts, failed };
}

/** Runs a stage, and meanwhile the others, one after the other. */
async function runBeside(
  stage: Stage,
  others: readonly Stage[],
  before: readonly Counts[],
): Promise<Counts[]> {
  const first = run(stage, others.length > 0 ? 'givesWay' : undefined);
  const counts: Counts[] = [];
  for (const other of others) {
    const ended = await run(other, 'isHeld');
    counts.push(ended);
    if (other === lastOnCluster && [...before, ...counts].every(({ failed }) => failed === 0)) {
      endCluster();
    }
  }
  return [await first, ...counts];
}

/**
 * Three idle nodes take a tenth of two cores from what runs meanwhile, so in continuous integration the test cluster ends with the last stage that
 * needs it, unless something has failed, as its logs would go too.
 */
function endCluster(): void {
  if (env['CI'] === 'true' && !env['CONTEXT']) {
    spawn('test/cluster/cluster.sh', ['down'], { stdio: 'ignore' });
  }
}

const countsOf = (report: JestReport): Counts => ({
  passed: report.numPassedTests,
  failed: report.numFailedTests + report.numRuntimeErrorTestSuites,
  skipped: report.numPendingTests + report.numTodoTests,
});

const wanted = argv.slice(2);
const unknown = wanted.filter((name) => !STAGES.some((stage) => stage.name === name));
if (unknown.length > 0) {
  stdout.write(
    `unknown stage ${unknown.join(', ')}: there are ${STAGES.map(({ name }) => name).join(', ')}\n`,
  );
  exit(2);
}
const chosen = STAGES.filter(({ name, onlyWhenNamed }) =>
  wanted.length === 0 ? !onlyWhenNamed : wanted.includes(name),
);
const lastOnCluster = chosen.findLast(({ onCluster }) => onCluster);
const isChosen = (name: string | undefined): boolean => chosen.some((stage) => stage.name === name);
const counts: Counts[] = [];
for (const stage of chosen.filter(({ beside }) => !isChosen(beside))) {
  const besides = chosen.filter(({ beside }) => beside === stage.name);
  counts.push(...(await runBeside(stage, besides, counts)));
}
if (env['RECORD']) {
  recordResults(
    STAGES.map(({ name }) => join(folder, `${name}.json`)),
    figures,
  );
}
rmSync(folder, { recursive: true, maxRetries: 5 });
const sum = (what: keyof Counts) => counts.reduce((total, one) => total + one[what], 0);
const [passed, failed, skipped] = [sum('passed'), sum('failed'), sum('skipped')];
if (skipped > 0 && env['CI'] === 'true') {
  stdout.write(`\n${skipped} tests were skipped: in continuous integration that is a failure\n`);
}
stdout.write(`\n${passed} passed, ${failed} failed, ${skipped} skipped\n`);
exit(failed > 0 || passed === 0 || (skipped > 0 && env['CI'] === 'true') ? 1 : 0);
