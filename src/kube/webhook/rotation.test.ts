import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, connect as tlsConnect } from 'node:tls';
import { describe, expect, test } from '@jest/globals';
import { authoritiesIn, type CertificateSet, renewed } from './rotation.ts';

const HOSTS = ['127.0.0.1', 'fd00::1', 'postcheck-webhook.postcheck-system.svc'];
const NOTHING: CertificateSet = { authorities: '', authorityKey: '', leaf: { cert: '', key: '' } };
const NOW = Date.now();
const DAY_MS = 86_400_000;

function made(held = NOTHING, now = NOW, hosts = HOSTS): CertificateSet {
  const next = renewed(held, hosts, now);
  if (!next) {
    throw new Error('nothing was renewed');
  }
  return next;
}

/** Shakes hands as a client that trusts these authorities alone. */
async function handshake(
  { leaf }: CertificateSet,
  { authorities }: CertificateSet,
  host: string,
): Promise<string> {
  const server = createServer(leaf, (socket) => socket.end()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const socket = tlsConnect({ port, host: '127.0.0.1', ca: authorities, servername: host });
  try {
    await once(socket, 'secureConnect');
    return 'trusted';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  } finally {
    socket.destroy();
    server.close();
  }
}

/** Looks every third day; gives what was stored after each change. */
function play(days: number, start = made()): { day: number; held: CertificateSet }[] {
  const stored = [{ day: 0, held: start }];
  for (let day = 3; day <= days; day += 3) {
    const next = renewed(stored.at(-1)?.held ?? start, HOSTS, NOW + day * DAY_MS);
    if (next) {
      stored.push({ day, held: next });
    }
  }
  return stored;
}

describe('a certificate', () => {
  test('is one of a server, for the names that it is called by, signed by an authority that signs servers only', () => {
    const { leaf, authorities } = made();
    const [authority] = authoritiesIn(authorities);
    const cert = new X509Certificate(leaf.cert);
    expect(cert.ca).toBe(false);
    expect(cert.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(cert.subjectAltName).toBe(
      'IP Address:127.0.0.1, IP Address:FD00:0:0:0:0:0:0:1, DNS:postcheck-webhook.postcheck-system.svc',
    );
    expect(cert.checkHost('postcheck-webhook.other.svc')).toBeUndefined();
    expect(authority?.ca).toBe(true);
    expect(cert.issuer).toBe(authority?.subject);
  });

  test('is accepted by a client that trusts the authority, and by no other', async () => {
    const [one, other] = [made(), made()];
    expect(await handshake(one, one, HOSTS[2] ?? '')).toBe('trusted');
    expect(await handshake(one, other, HOSTS[2] ?? '')).not.toBe('trusted');
  });

  test('is valid from an hour ago, because clocks differ', () => {
    expect(new X509Certificate(made().leaf.cert).validFromDate.getTime()).toBeLessThan(NOW - 3_500_000);
  });
});

describe('a valid certificate is kept', () => {
  test('right after its creation, and two months later', () => {
    const held = made();
    expect(renewed(held, HOSTS, NOW)).toBeUndefined();
    expect(renewed(held, HOSTS, NOW + 59 * DAY_MS)).toBeUndefined();
  });

  test('also with an unreadable authority after the one that signs', () => {
    const held = made();
    const bundle = `${held.authorities}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`;
    expect(renewed({ ...held, authorities: bundle }, HOSTS, NOW)).toBeUndefined();
  });
});

describe('an unusable certificate is renewed', () => {
  const held = made();
  const other = made();
  test.each<[string, CertificateSet, string[]?]>([
    ['nothing at all', NOTHING],
    ['an authority that cannot be read', { ...held, authorities: 'garbled' }],
    ['a key that is another authority’s', { ...held, authorityKey: other.authorityKey }],
    ['a key that cannot be read', { ...held, authorityKey: 'garbled' }],
    ['a leaf that cannot be read', { ...held, leaf: { ...held.leaf, cert: 'garbled' } }],
    ['a leaf with another’s key', { ...held, leaf: { ...held.leaf, key: other.leaf.key } }],
    ['a leaf that another authority signed', { ...held, leaf: other.leaf }],
    ['a leaf as its own authority', { ...held, authorities: held.leaf.cert }],
    ['a leaf of another name', held, [...HOSTS, 'postcheck-webhook.elsewhere.svc']],
  ])('%s', async (_, wrong, hosts = HOSTS) => {
    const next = made(wrong, NOW, hosts);
    expect(renewed(next, hosts, NOW)).toBeUndefined();
    expect(await handshake(next, next, hosts.at(-1) ?? '')).toBe('trusted');
  });
});

test('over twelve years a client that trusts the stored authorities accepts every certificate stored before or after', () => {
  const stored = play(12 * 365);
  const leaves = new Set(stored.map(({ held }) => held.leaf.cert));
  const authorities = new Set(stored.map(({ held }) => authoritiesIn(held.authorities)[0]?.fingerprint256));
  expect(leaves.size).toBeGreaterThan(60);
  expect(authorities.size).toBeGreaterThanOrEqual(3);
  const trusts = ({ authorities: bundle }: CertificateSet, { leaf }: CertificateSet, at: number): boolean =>
    authoritiesIn(bundle).some(
      (authority) =>
        authority.validToDate.getTime() > at && new X509Certificate(leaf.cert).verify(authority.publicKey),
    );
  for (const [index, { day, held }] of stored.entries()) {
    const before = stored[index - 1]?.held ?? held;
    const at = NOW + day * DAY_MS;
    expect(new X509Certificate(before.leaf.cert).validToDate.getTime()).toBeGreaterThan(at);
    expect([trusts(held, held, at), trusts(before, held, at), trusts(held, before, at)]).toEqual([
      true,
      true,
      true,
    ]);
    expect(authoritiesIn(held.authorities).length).toBeLessThanOrEqual(3);
  }
}, 60_000);
