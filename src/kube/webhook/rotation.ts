/**
 * Decides when certificates are renewed, and how long old ones stay valid. All replicas share one Secret and may renew it; each can serve with the
 * certificate that it has, because an authority is trusted for an hour before it signs, and afterwards until it expires.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { type Issued, makeAuthority, makeLeaf } from './certificate.ts';

/** The contents of the Secret, as PEM; empty if missing. */
export interface CertificateSet {
  /** The authorities that are trusted; the first one signs. */
  readonly authorities: string;
  readonly authorityKey: string;
  readonly leaf: Issued;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const AUTHORITY = { lifeMs: 5 * 365 * DAY_MS, renewBeforeMs: 365 * DAY_MS };
const LEAF = { lifeMs: 90 * DAY_MS, renewBeforeMs: 30 * DAY_MS };
/** A certificate is valid from a while before its creation, because clocks differ. */
const BACKDATED_MS = HOUR_MS;
/** How long a new authority is trusted before it signs, so that every API server and replica knows it. */
const TRUSTED_FIRST_MS = HOUR_MS;
/** The one that signs, the previous one, and one to spare. */
const MAX_AUTHORITIES = 3;

/** Returns the renewed certificates; `undefined` if nothing has to be renewed. `hosts` are the names of the server. */
export function renewed(
  current: CertificateSet,
  hosts: readonly string[],
  now: number,
): CertificateSet | undefined {
  const trusted = authoritiesIn(current.authorities).filter(({ validToDate }) => validToDate.getTime() > now);
  const signer = signerOf(trusted[0], current.authorityKey);
  if (!signer || signer.validToDate.getTime() < now + AUTHORITY.renewBeforeMs) {
    return withNewAuthority(current, trusted, hosts, now);
  }
  const isUsable = isUsableLeaf(current.leaf, trusted, hosts, now);
  const isSettled = signer.validFromDate.getTime() + BACKDATED_MS + TRUSTED_FIRST_MS <= now;
  const isDue = isUsable && until(current.leaf) < now + LEAF.renewBeforeMs;
  return isUsable && !(isDue && isSettled)
    ? undefined
    : { ...current, leaf: leafBy(nameOf(signer), current.authorityKey, hosts, now) };
}

/** A valid leaf is kept, because the new authority is not trusted everywhere yet. */
function withNewAuthority(
  current: CertificateSet,
  trusted: readonly X509Certificate[],
  hosts: readonly string[],
  now: number,
): CertificateSet {
  const { name, cert, key } = makeAuthority(validity(AUTHORITY.lifeMs, now));
  const before = trusted.slice(0, MAX_AUTHORITIES - 1).map(String);
  return {
    authorities: [cert, ...before].join(''),
    authorityKey: key,
    leaf: isUsableLeaf(current.leaf, trusted, hosts, now) ? current.leaf : leafBy(name, key, hosts, now),
  };
}

const leafBy = (name: string, key: string, hosts: readonly string[], now: number): Issued =>
  makeLeaf({ name, key: createPrivateKey(key) }, hosts, validity(LEAF.lifeMs, now));

const validity = (lifeMs: number, now: number) => ({ from: now - BACKDATED_MS, until: now + lifeMs });
const nameOf = ({ subject }: X509Certificate): string => /^CN=(.*)$/m.exec(subject)?.[1] ?? '';
const until = ({ cert }: Issued): number => parsed(cert)?.validToDate.getTime() ?? 0;

/** Returns the certificates of a bundle that can be parsed. */
export const authoritiesIn = (bundle: string): X509Certificate[] =>
  (bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/g) ?? [])
    .map(parsed)
    .filter((certificate): certificate is X509Certificate => certificate?.ca === true);

function parsed(cert: string): X509Certificate | undefined {
  try {
    return new X509Certificate(cert);
  } catch {
    return undefined;
  }
}

function fits(certificate: X509Certificate, key: string): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

const signerOf = (authority: X509Certificate | undefined, key: string): X509Certificate | undefined =>
  authority && nameOf(authority) !== '' && fits(authority, key) ? authority : undefined;

/** Whether clients that trust these authorities accept it from a server with these names. */
function isUsableLeaf(
  { cert, key }: Issued,
  trusted: readonly X509Certificate[],
  hosts: readonly string[],
  now: number,
): boolean {
  const leaf = parsed(cert);
  return (
    leaf !== undefined &&
    leaf.validToDate.getTime() > now &&
    fits(leaf, key) &&
    hosts.every((host) => covers(leaf, host)) &&
    trusted.some((authority) => leaf.checkIssued(authority) && leaf.verify(authority.publicKey))
  );
}

const covers = (leaf: X509Certificate, host: string): boolean =>
  (isIP(host) === 0 ? leaf.checkHost(host) : leaf.checkIP(host)) !== undefined;
