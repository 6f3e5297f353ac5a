/** (c) exec tries a second and client CPU per 1,000 tries, against a small client-go program and the least that Node can do, block by block in turn. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { env, execPath } from 'node:process';
import { promisify } from 'node:util';
import { goProgram } from './go-program.ts';
import type { Part } from './harness.ts';
import type { FigureSpec, Sheet } from './measure.ts';
import type { Site } from './site.ts';

interface Block {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly failed: number;
}

const TRIES = 600;
/** Tries before, by each client: an operator runs for weeks, and what Node compiles at first is no cost of an exec */
const WARM_UP = 400;
const AT_ONCE = [1, 4, 16, 50] as const;
type AtOnce = (typeof AT_ONCE)[number];
const KINDS = [
  'rate',
  'goRate',
  'rateRatio',
  'cpu',
  'goCpu',
  'cpuRatio',
  'rateToFloor',
  'cpuToFloor',
  'failed',
] as const;
type Name = `${(typeof KINDS)[number]} ${AtOnce}`;

function specsOf(atOnce: AtOnce): Record<Name, FigureSpec> {
  const specs: Record<(typeof KINDS)[number], FigureSpec> = {
    rate: { name: `(c) tries a second, ${atOnce} at once: postcheck`, unit: '/s' },
    goRate: { name: `(c) tries a second, ${atOnce} at once: client-go`, unit: '/s' },
    rateRatio: { name: `(c) ratio, ${atOnce} at once`, unit: '×', aim: '≥ 1.0' },
    cpu: { name: `(c) CPU s per 1,000 tries, ${atOnce} at once: postcheck`, unit: 's' },
    goCpu: { name: `(c) CPU s per 1,000 tries, ${atOnce} at once: client-go`, unit: 's' },
    cpuRatio: { name: `(c) CPU ratio, ${atOnce} at once`, unit: '×', aim: '≤ 1.5' },
    rateToFloor: { name: `(c) rate ÷ a bare ws program's, ${atOnce} at once`, unit: '×', aim: '≥ 0.9' },
    cpuToFloor: { name: `(c) CPU ÷ a bare ws program's, ${atOnce} at once`, unit: '×', aim: '≤ 1.1' },
    failed: { name: `(c) failed tries, ${atOnce} at once, all three`, unit: '', aim: '0' },
  };
  return Object.fromEntries(KINDS.map((kind) => [`${kind} ${atOnce}`, specs[kind]])) as Record<
    Name,
    FigureSpec
  >;
}
const FIGURES = Object.assign({}, ...AT_ONCE.map(specsOf)) as Record<Name, FigureSpec>;

/** Runs a program to its end without keeping the event loop; returns what it prints. */
async function run(file: string, args: readonly string[], signal: AbortSignal): Promise<string> {
  const { stdout } = await promisify(execFile)(file, args, { signal });
  return stdout;
}

/** The same tries by the three clients. */
class Clients {
  readonly #binary: string;
  readonly #namespace: string;
  readonly #pods: string;
  readonly #signal: AbortSignal;

  constructor(binary: string, namespace: string, pods: string, signal: AbortSignal) {
    this.#binary = binary;
    this.#namespace = namespace;
    this.#pods = pods;
    this.#signal = signal;
  }

  ours = (atOnce: number): Promise<Block> => this.#inNode('exec-client.ts', atOnce);
  /** The least that an exec costs in Node. */
  floor = (atOnce: number): Promise<Block> => this.#inNode('floor-client.ts', atOnce);

  #inNode(program: string, atOnce: number): Promise<Block> {
    return this.#block(execPath, [join(import.meta.dirname, program), ...this.#asked(atOnce)]);
  }

  theirs(atOnce: number): Promise<Block> {
    const names = ['kubeconfig', 'context', 'namespace', 'pods', 'tries', 'at-once', 'warm-up'];
    return this.#block(
      this.#binary,
      this.#asked(atOnce).flatMap((value, index) => [`-${names[index]}`, value]),
    );
  }

  #asked(atOnce: number): string[] {
    const cluster = [env['KUBECONFIG'] ?? '', env['CONTEXT'] ?? ''];
    return [...cluster, this.#namespace, this.#pods, String(TRIES), String(atOnce), String(WARM_UP)];
  }

  async #block(file: string, args: readonly string[]): Promise<Block> {
    return JSON.parse(await run(file, args, this.#signal)) as Block;
  }
}

async function onePair(clients: Clients, atOnce: AtOnce, sheet: Sheet<Name>): Promise<void> {
  const ours = await clients.ours(atOnce);
  const theirs = await clients.theirs(atOnce);
  const floor = await clients.floor(atOnce);
  const rate = ({ seconds }: Block) => TRIES / seconds;
  const cpu = ({ cpuSeconds }: Block) => (cpuSeconds * 1000) / TRIES;
  sheet.note(`rate ${atOnce}`, rate(ours));
  sheet.note(`goRate ${atOnce}`, rate(theirs));
  sheet.note(`rateRatio ${atOnce}`, rate(ours) / rate(theirs));
  sheet.note(`cpu ${atOnce}`, cpu(ours));
  sheet.note(`goCpu ${atOnce}`, cpu(theirs));
  sheet.note(`cpuRatio ${atOnce}`, cpu(ours) / cpu(theirs));
  sheet.note(`rateToFloor ${atOnce}`, rate(ours) / rate(floor));
  sheet.note(`cpuToFloor ${atOnce}`, cpu(ours) / cpu(floor));
  sheet.note(`failed ${atOnce}`, ours.failed + theirs.failed + floor.failed);
}

export function execPart(site: Site, rounds: number, say: (line: string) => void): Part<Name> {
  const program = goProgram('the client-go program', '.');
  return {
    name: 'exec',
    figures: FIGURES,
    needs: [program],
    limitMs: 30 * 60_000,
    clear: (signal) => site.clear(signal),
    measure: async (sheet, signal) => {
      await site.prepare(signal);
      await site.createDeployment('execs', 10);
      await site.rolledOut('execs');
      const pods = (await site.pods('execs')).map(({ metadata }) => metadata.name as string).join(',');
      const clients = new Clients(program.binary, site.namespace, pods, signal);
      for (const atOnce of AT_ONCE) {
        say(`execs, ${atOnce} at once`);
        for (let pair = 0; pair < Math.min(rounds, 3); pair++) {
          await onePair(clients, atOnce, sheet);
        }
      }
    },
  };
}
