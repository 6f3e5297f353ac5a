/** Loads a kubeconfig like kubectl: which files, which context, and which flags override them. */
import { accessSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { load } from 'js-yaml';
import { list, record, text } from './json.ts';

type Cluster = KubeConfig['clusters'][number];
type User = KubeConfig['users'][number];

/** kubectl's connection flags; an absent flag overrides nothing. */
export interface KubectlFlags {
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  readonly cluster?: string | undefined;
  readonly user?: string | undefined;
  readonly server?: string | undefined;
  readonly tlsServerName?: string | undefined;
  readonly certificateAuthority?: string | undefined;
  readonly insecureSkipTlsVerify?: boolean | undefined;
  readonly token?: string | undefined;
  readonly clientCertificate?: string | undefined;
  readonly clientKey?: string | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly as?: string | undefined;
}

/** Where kubeconfig files are searched. */
export interface KubectlPlaces {
  /** The variable KUBECONFIG: one file or several. */
  readonly kubeconfig?: string | undefined;
  readonly home: string;
}

function exists(file: string): boolean {
  try {
    accessSync(file);
    return true;
  } catch {
    return false;
  }
}

/** Returns the files to read: that of the flag alone, otherwise those of KUBECONFIG that exist, otherwise the one in the home folder. */
function filesOf({ kubeconfig }: KubectlFlags, places: KubectlPlaces): readonly string[] {
  if (kubeconfig !== undefined) {
    return [kubeconfig];
  }
  const named = (places.kubeconfig ?? '').split(delimiter).filter((file) => file !== '');
  return (named.length > 0 ? named : [join(places.home, '.kube', 'config')]).filter(exists);
}

/** Throws an Error that says what to correct. */
export function kubectlConfig(flags: KubectlFlags, places: KubectlPlaces): KubeConfig {
  const config = merged(filesOf(flags, places).map(readFile));
  if (
    config.clusters.length === 0 &&
    config.currentContext === '' &&
    flags.kubeconfig === undefined &&
    flags.server === undefined &&
    flags.context === undefined
  ) {
    return inCluster(places);
  }
  const context = contextOf(config, flags);
  const cluster = overCluster(pick('cluster', config.clusters, flags.cluster ?? context?.cluster), flags);
  const user = overUser(withToken(pick('user', config.users, flags.user ?? context?.user)), flags);
  const result = new KubeConfig();
  result.loadFromOptions({
    clusters: [cluster],
    users: [user],
    contexts: [
      {
        name: context?.name ?? 'flags',
        cluster: cluster.name,
        user: user.name,
        ...(context?.namespace ? { namespace: context.namespace } : {}),
      },
    ],
    currentContext: context?.name ?? 'flags',
  });
  return result;
}

/** The flags whose values are names in the kubeconfig. */
export type KubectlName = 'context' | 'cluster' | 'user';

/** Returns the names that the flag can select. */
export function kubectlNames(
  flag: KubectlName,
  flags: KubectlFlags,
  places: KubectlPlaces,
): readonly string[] {
  const config = merged(filesOf(flags, places).map(readFile));
  return config[`${flag}s`].map(({ name }) => name).sort();
}

const FILE_ERRORS = new Map([
  ['ENOENT', 'no such file'],
  ['EACCES', 'permission denied'],
  ['EISDIR', 'it is a directory'],
]);

function readFile(file: string): KubeConfig {
  const config = new KubeConfig();
  try {
    // As `touch` leaves it, before something writes to it: kubectl takes it for one without entries, client-node for an error.
    if (readFileSync(file, 'utf8').trim() === '') {
      return config;
    }
    config.loadFromFile(file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    // client-node does not check what it reads.
    const why =
      error instanceof TypeError
        ? 'its clusters, users or contexts are no lists of entries with names'
        : (FILE_ERRORS.get(code ?? '') ?? (error as Error).message.split('\n')[0]);
    throw new Error(`cannot read kubeconfig ${file}: ${why}`);
  }
  const files = tokenFiles(file);
  config.users = config.users.map((user) => ({ ...user, ...files.get(user.name) }));
  return config;
}

/**
 * client-node does not support a user's `tokenFile`, and a request without a token is anonymous: every request would be rejected as one of
 * `system:anonymous`. The path is relative to the kubeconfig.
 */
function tokenFiles(file: string): Map<string, { tokenFile: string }> {
  const users = list(record(load(readFileSync(file, 'utf8'))).users).map(record);
  return new Map(
    users.flatMap(({ name, user }) => {
      const path = text(record(user).tokenFile);
      return path === '' ? [] : [[text(name), { tokenFile: resolve(dirname(file), path) }]];
    }),
  );
}

/** Takes precedence over `token`, as in client-go. Only the file of the user in use is read. */
function withToken(user: (User & { readonly tokenFile?: string }) | undefined): User | undefined {
  return user?.tokenFile === undefined
    ? user
    : { ...user, token: readFileSync(user.tokenFile, 'utf8').trim() };
}

/** Of several entries with one name the first is used, as in kubectl, and the current context of the first file that names one. */
function merged(configs: readonly KubeConfig[]): KubeConfig {
  const all = new KubeConfig();
  const first = <T extends { name: string }>(lists: readonly (readonly T[])[]): T[] => [
    ...new Map(
      lists
        .flat()
        .reverse()
        .map((entry) => [entry.name, entry]),
    ).values(),
  ];
  all.loadFromOptions({
    clusters: first(configs.map(({ clusters }) => clusters ?? [])),
    users: first(configs.map(({ users }) => users ?? [])),
    contexts: first(configs.map(({ contexts }) => contexts ?? [])),
    currentContext: configs.map(({ currentContext }) => currentContext).find(Boolean) ?? '',
  });
  return all;
}

function inCluster(places: KubectlPlaces): KubeConfig {
  const config = new KubeConfig();
  config.loadFromCluster();
  const server = config.getCurrentCluster()?.server ?? '';
  if (!URL.canParse(server) || /undefined/.test(server)) {
    const named = places.kubeconfig ?? '';
    const isMissing = named !== '' && filesOf({}, places).length === 0;
    throw new Error(
      isMissing
        ? `no kubeconfig: KUBECONFIG is ${named}, which does not exist; use --kubeconfig`
        : `no kubeconfig: neither KUBECONFIG nor ${join(places.home, '.kube', 'config')} names a cluster; use --kubeconfig`,
    );
  }
  return config;
}

function contextOf(config: KubeConfig, flags: KubectlFlags): KubeConfig['contexts'][number] | undefined {
  const name = flags.context ?? config.currentContext;
  const context = config.contexts.find((known) => known.name === name);
  if (context || (name === '' && (flags.cluster !== undefined || flags.server !== undefined))) {
    return context;
  }
  const known =
    config.contexts
      .map((other) => other.name)
      .sort()
      .join(', ') || 'none';
  throw new Error(
    name === ''
      ? `the kubeconfig has no current context: set --context to one of: ${known}`
      : `the kubeconfig has no context ${JSON.stringify(name)}; it has: ${known}`,
  );
}

/** Returns the named entry; `undefined` if no name is given, and flags have to supply everything. */
function pick<T extends { name: string }>(
  what: 'cluster' | 'user',
  known: readonly T[],
  name: string | undefined,
): T | undefined {
  if (name === undefined || name === '') {
    return undefined;
  }
  const found = known.find((entry) => entry.name === name);
  if (!found) {
    const names =
      known
        .map((entry) => entry.name)
        .sort()
        .join(', ') || 'none';
    throw new Error(`the kubeconfig has no ${what} ${JSON.stringify(name)}; it has: ${names}`);
  }
  return found;
}

function overCluster(found: Cluster | undefined, flags: KubectlFlags): Cluster {
  const { server, tlsServerName, certificateAuthority, insecureSkipTlsVerify } = flags;
  const cluster = found ?? { name: 'flags', server: '', skipTLSVerify: false };
  const { caData: _data, caFile: _file, ...withoutAuthority } = cluster;
  return {
    ...(certificateAuthority === undefined && insecureSkipTlsVerify !== true ? cluster : withoutAuthority),
    ...(server === undefined ? {} : { server }),
    ...(tlsServerName === undefined ? {} : { tlsServerName }),
    ...(certificateAuthority === undefined ? {} : { caFile: certificateAuthority }),
    ...(insecureSkipTlsVerify === undefined ? {} : { skipTLSVerify: insecureSkipTlsVerify }),
  };
}

function overUser(found: User | undefined, flags: KubectlFlags): User {
  const { token, clientCertificate, clientKey, username, password } = flags;
  const user = found ?? { name: 'flags' };
  // A token in the flags takes precedence over all other credentials.
  const base: User = token === undefined ? user : { name: user.name, token };
  const { certData: _cert, keyData: _key, ...withoutPair } = base;
  return {
    ...(clientCertificate === undefined && clientKey === undefined ? base : withoutPair),
    ...(clientCertificate === undefined ? {} : { certFile: clientCertificate }),
    ...(clientKey === undefined ? {} : { keyFile: clientKey }),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(flags.as === undefined ? {} : { impersonateUser: flags.as }),
  };
}
