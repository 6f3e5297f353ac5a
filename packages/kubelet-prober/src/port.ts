/** Resolves the port of a probe. */
import type { ContainerPort, PortReference } from './spec.ts';

export type ResolvedPort =
  | { readonly ok: true; readonly port: number }
  | { readonly ok: false; readonly error: string };

/** The first port of that name, as kubelet's findPortByName; `undefined` when the container declares none. */
export function findPortByName(name: string, ports: readonly ContainerPort[]): number | undefined {
  return ports.find((port) => (port.name ?? '') === name)?.containerPort;
}

/**
 * The number behind a probe's port, 1–65535. A string is looked up by name first and read as a number only then, as in kubelet's
 * extractPort (today ResolveContainerPort): a port named "9000" wins over the number 9000.
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
