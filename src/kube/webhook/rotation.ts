/**
 * When certificates are renewed, and what becomes of the old ones. Every replica reads one Secret and may renew it; both go on serving, whichever
 * certificate they have, because an authority is trusted for an hour before it signs, and until it expires after that.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { type Issued, makeAuthority, makeLeaf } from './certificate.ts';

/** What the Secret holds, as PEM; empty where it holds nothing. */
export interface Held {
  /** The authorities that are trusted; the first one signs. */
  readonly authorities: string;
  readonly authorityKey: string;
  readonly leaf: Issued;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const AUTHORITY = { lifeMs: 5 * 365 * DAY_MS, renewBeforeMs: 365 * DAY_MS };
const LEAF = { lifeMs: 90 * DAY_MS, renewBeforeMs: 30 * DAY_MS };
/** Clocks differ: a certificate is valid from a while before it was made. */
const BACKDATED_MS = HOUR_MS;
/** So long a new authority only is trusted: until every API server and replica has heard of it. */
const TRUSTED_FIRST_MS = HOUR_MS;
/** One that signs, one that did, and one to spare. */
const MOST_AUTHORITIES = 3;

/** What to store instead of what is held; `undefined` while that is well. `hosts` are the names that the server is called by. */
export function renewed(held: Held, hosts: readonly string[], now: number): Held | undefined {
  const trusted = authoritiesIn(held.authorities).filter(({ validToDate }) => validToDate.getTime() > now);
  const signer = signerOf(trusted[0], held.authorityKey);
  if (!signer || signer.validToDate.getTime() < now + AUTHORITY.renewBeforeMs) {
    return withNewAuthority(held, trusted, hosts, now);
  }
  const isUsable = isUsableLeaf(held.leaf, trusted, hosts, now);
  const isSettled = signer.validFromDate.getTime() + BACKDATED_MS + TRUSTED_FIRST_MS <= now;
  const isDue = isUsable && until(held.leaf) < now + LEAF.renewBeforeMs;
  return isUsable && !(isDue && isSettled)
    ? undefined
    : { ...held, leaf: leafBy(nameOf(signer), held.authorityKey, hosts, now) };
}

/** A leaf that is still valid continues to be served: the new authority is not trusted everywhere yet. */
function withNewAuthority(
  held: Held,
  trusted: readonly X509Certificate[],
  hosts: readonly string[],
  now: number,
): Held {
  const made = makeAuthority(validity(AUTHORITY.lifeMs, now));
  const before = trusted.slice(0, MOST_AUTHORITIES - 1).map(String);
  return {
    authorities: [made.cert, ...before].join(''),
    authorityKey: made.key,
    leaf: isUsableLeaf(held.leaf, trusted, hosts, now) ? held.leaf : leafBy(made.name, made.key, hosts, now),
  };
}

const leafBy = (name: string, key: string, hosts: readonly string[], now: number): Issued =>
  makeLeaf({ name, key: createPrivateKey(key) }, hosts, validity(LEAF.lifeMs, now));

const validity = (lifeMs: number, now: number) => ({ from: now - BACKDATED_MS, until: now + lifeMs });
const nameOf = ({ subject }: X509Certificate): string => /^CN=(.*)$/m.exec(subject)?.[1] ?? '';
const until = ({ cert }: Issued): number => parsed(cert)?.validToDate.getTime() ?? 0;

/** Those of a bundle that can be read. */
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

/** Can clients that trust these authorities talk to a server of these names with it? */
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
