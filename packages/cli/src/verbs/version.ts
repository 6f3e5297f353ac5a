/** `version`: prints the versions of this tool, of the operator and of the API server, and fails without the last one, as in kubectl. */
import { text } from '../../../../src/kube/client/json.ts';
import type { Cluster } from '../cluster.ts';
import { EXIT } from '../fault.ts';
import type { Io } from '../io.ts';
import { imageOf, operatorPods } from '../operator.ts';
import { checkFormat, forMachine } from '../output.ts';

export interface VersionOptions {
  readonly client?: boolean;
  readonly output?: string;
}

export async function version(
  io: Io,
  client: string,
  open: () => Promise<Cluster>,
  options: VersionOptions,
): Promise<number> {
  checkFormat(options.output, ['json', 'yaml']);
  const { failed = false, ...found } = options.client ? {} : await remote(open);
  const all = { client, node: process.version, ...found };
  if (!forMachine(io, options.output, all)) {
    for (const [name, value] of Object.entries(all)) {
      io.out(`${name}: ${value}`);
    }
  }
  return failed ? EXIT.fault : EXIT.ok;
}

interface Remote {
  readonly operator?: string;
  readonly server?: string;
  readonly failed?: boolean;
}

/** Reads the versions from the cluster; returns the reason if that is not possible. */
async function remote(open: () => Promise<Cluster>): Promise<Remote> {
  let cluster: Cluster | undefined;
  try {
    cluster = await open();
    const server = await cluster.read({ resource: { root: '', plural: 'version' } });
    const operator = await operatorPods(cluster).then(
      ([first]) => (first ? imageOf(first) : 'no pod of it runs'),
      (error: Error) => error.message,
    );
    return { operator, server: text(server.gitVersion) };
  } catch (error) {
    return { server: (error as Error).message, failed: true };
  } finally {
    cluster?.close();
  }
}
