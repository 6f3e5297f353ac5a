/** Resolves the port of a probe. */
import type { ContainerPort, PortReference } from './spec.ts';

export type ResolvedPort =
  | { readonly ok: true; readonly port: number }
  | { readonly ok: false; readonly error: string };

/** Returns the first port with that name, like kubelet's findPortByName; `undefined` if the container declares none. */
export function findPortByName(name: string, ports: readonly ContainerPort[]): number | undefined {
  return ports.find((port) => (port.name ?? '') === name)?.containerPort;
}

/**
 * Returns the number of a probe's port, 1–65535. A string is first looked up as a name and only then parsed as a number, as in kubelet's extractPort
 * (today ResolveContainerPort): a port named "9000" takes precedence over the number 9000.
 */
export function resolvePort(reference: PortReference, ports: readonly ContainerPort[]): ResolvedPort {
  const port =
    typeof reference === 'string' ? (findPortByName(reference, ports) ?? parseDigits(reference)) : reference;
  if (typeof port !== 'number') {
    return {
      ok: false,
      error: `port ${JSON.stringify(reference)} is neither a number nor the name of a port of the container`,
    };
  }
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    return { ok: false, error: `invalid port number: ${port}` };
  }
  return { ok: true, port };
}

function parseDigits(text: string): number | undefined {
  return /^[+-]?\d+$/.test(text) ? Number(text) : undefined;
}
