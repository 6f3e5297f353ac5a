import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeDirectory } from './sandbox.ts';

export interface SupervisordOptions {
  /** Sections after the standard ones: programs and groups. DIR stands for the daemon's directory. */
  sections: string;
  /** More lines for [unix_http_server], [supervisorctl]. */
  server?: string;
  client?: string;
  uid?: number;
  /** Runs it as process 1 of a namespace of its own, as in a container. */
  asProcess1?: boolean;
  prepare?: (directory: string) => void;
}

export interface ProcessInfo {
  name: string;
  group: string;
  statename: string;
  pid: number;
}

/** A real supervisord in a directory of its own, with its own socket. */
export class Supervisord {
  readonly #directory = makeDirectory();
  readonly #child: ChildProcess;
  readonly config = join(this.#directory.path, 'supervisord.conf');
  readonly socket = join(this.#directory.path, 's.sock');
  readonly logFile = join(this.#directory.path, 'supervisord.log');

  constructor(options: SupervisordOptions) {
    options.prepare?.(this.directory);
    writeFileSync(this.config, configuration(this.directory, options));
    const user =
      options.uid === undefined
        ? []
        : ['setpriv', `--reuid=${options.uid}`, `--regid=${options.uid}`, '--clear-groups'];
    const space =
      options.asProcess1 === true ? ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'] : [];
    const [file, ...args] = [...space, ...user, '/usr/bin/supervisord', '-n', '-c', this.config];
    this.#child = spawn(file as string, args, { cwd: this.directory, stdio: 'ignore' });
  }

  get directory(): string {
    return this.#directory.path;
  }

  /** The process that was started: supervisord, or with `asProcess1` the one that made its namespace. */
  get pid(): number {
    return this.#child.pid as number;
  }

  /** Calls a method of supervisord's XML-RPC interface; gives the XML. */
  call(method: string, ...params: (string | boolean)[]): Promise<string> {
    const values = params.map((value) =>
      typeof value === 'string' ? `<string>${value}</string>` : `<boolean>${Number(value)}</boolean>`,
    );
    const list = values.map((value) => `<param><value>${value}</value></param>`).join('');
    const body = `<?xml version="1.0"?><methodCall><methodName>supervisor.${method}</methodName><params>${list}</params></methodCall>`;
    return new Promise((resolve, reject) => {
      const call = request(
        { socketPath: this.socket, path: '/RPC2', method: 'POST', headers: { 'content-type': 'text/xml' } },
        (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (part: string) => {
            text += part;
          });
          response.on('end', () => resolve(text));
        },
      );
      call.on('error', reject).end(body);
    });
  }

  async processes(): Promise<ProcessInfo[]> {
    const xml = await this.call('getAllProcessInfo');
    const member = (block: string, key: string) =>
      new RegExp(`<name>${key}</name>\\s*<value><[^>]+>([^<]*)<`).exec(block)?.[1] ?? '';
    return [...xml.matchAll(/<struct>(.*?)<\/struct>/gs)].map(([block]) => ({
      name: member(block, 'name'),
      group: member(block, 'group'),
      statename: member(block, 'statename'),
      pid: Number(member(block, 'pid')),
    }));
  }

  /** Waits until every named program is in one of its states. */
  async until(wanted: Record<string, string>): Promise<void> {
    for (let tries = 0; ; tries += 1) {
      const list = existsSync(this.socket) ? await this.processes().catch(() => []) : [];
      const found = new Map(list.map((one) => [one.name, one.statename]));
      const open = Object.entries(wanted).filter(
        ([name, state]) => !state.split('|').includes(found.get(name) ?? ''),
      );
      if (open.length === 0 && list.length > 0) {
        return;
      }
      if (tries > 300) {
        throw new Error(
          `still waiting for ${JSON.stringify(open)}, have ${JSON.stringify([...found])}; ${this.log()}`,
        );
      }
      await sleep(50);
    }
  }

  log(): string {
    return existsSync(this.logFile) ? readFileSync(this.logFile, 'utf8') : '';
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Kills the daemon at once; its socket file stays. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
      return;
    }
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }

  /** Ends the daemon and its programs, and removes the directory. */
  async stop(): Promise<void> {
    this.signal('SIGCONT');
    await this.kill();
    for (const line of this.log().matchAll(/spawned: '.*' with pid (\d+)/g)) {
      killOwnGroup(Number(line[1]), this.directory);
    }
    this.#directory.remove();
  }
}

// Programs are session leaders. A number may have been used again meanwhile: only processes that carry our mark are ended.
function killOwnGroup(pid: number, mark: string): void {
  try {
    if (readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`DIR=${mark}`)) {
      process.kill(-pid, 'SIGKILL');
    }
  } catch {
    // Already gone.
  }
}

function configuration(directory: string, options: SupervisordOptions): string {
  const socket = join(directory, 's.sock');
  return `[unix_http_server]
file=${socket}
${options.server ?? ''}
[supervisord]
logfile=${directory}/supervisord.log
pidfile=${directory}/supervisord.pid
childlogdir=${directory}
environment=DIR="${directory}"
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://${socket}
${options.client ?? ''}
${options.sections.replaceAll('DIR', directory)}
`;
}
