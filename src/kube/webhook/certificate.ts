/**
 * Creates the two certificates that a webhook needs: its own authority, and a server certificate signed by it. Encoded here, because node:crypto creates
 * keys and signatures but no certificates, and the library that does (@peculiar/x509) is 768 KiB of a bundle of 1,052 (docs/adr/0013-gate-webhook.md).
 */
import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto';
import { isIP, SocketAddress } from 'node:net';
import { bits, implicit, integer, octets, oid, sequence, set, tagged, time, utf8, yes } from './der.ts';

/** A certificate and its key, as PEM. */
export interface Issued {
  readonly cert: string;
  readonly key: string;
}

export interface Validity {
  readonly from: number;
  readonly until: number;
}

interface Authority extends Issued {
  readonly name: string;
}

const OID = {
  commonName: '2.5.4.3',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
} as const;

const SIGNATURE = sequence(oid(OID.ecdsaWithSha256));
const DIGITAL_SIGNATURE = bits(Buffer.from([0x80]), 7);
const CERT_AND_CRL_SIGN = bits(Buffer.from([0x06]), 1);

interface Keys {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** Creates a certificate authority with a unique name, which may sign certificates of servers and no further authority. */
export function makeAuthority(validity: Validity): Authority {
  const keys = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const name = `postcheck webhook CA ${randomBytes(4).toString('hex')}`;
  const extensions = [
    extension(OID.basicConstraints, sequence(yes(), integer(Buffer.from([0]))), true),
    extension(OID.keyUsage, CERT_AND_CRL_SIGN, true),
    extension(OID.subjectKeyIdentifier, octets(keyId(keys.publicKey))),
  ];
  return {
    name,
    ...issue({ subject: name, issuer: name, keys, signer: keys.privateKey, validity, extensions }),
  };
}

/** Creates the certificate of a server with these host names and addresses. */
export function makeLeaf(
  authority: { readonly name: string; readonly key: KeyObject },
  hosts: readonly string[],
  validity: Validity,
): Issued {
  const keys = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const authorityId = keyId(createPublicKey(authority.key));
  const extensions = [
    extension(OID.basicConstraints, sequence(), true),
    extension(OID.keyUsage, DIGITAL_SIGNATURE, true),
    extension(OID.extKeyUsage, sequence(oid(OID.serverAuth))),
    extension(OID.subjectAltName, sequence(...hosts.map(altName))),
    extension(OID.authorityKeyIdentifier, sequence(implicit(0, authorityId))),
  ];
  // The names of the server are in the alternative names; a common name is limited to 64 characters.
  const subject = 'postcheck webhook';
  return issue({ subject, issuer: authority.name, keys, signer: authority.key, validity, extensions });
}

interface CertificateRequest {
  readonly subject: string;
  readonly issuer: string;
  readonly keys: Keys;
  readonly signer: KeyObject;
  readonly validity: Validity;
  readonly extensions: readonly Buffer[];
}

function issue({ subject, issuer, keys, signer, validity, extensions }: CertificateRequest): Issued {
  const toBeSigned = sequence(
    tagged(0, integer(Buffer.from([2]))),
    integer(randomBytes(16)),
    SIGNATURE,
    nameOf(issuer),
    sequence(time(validity.from), time(validity.until)),
    nameOf(subject),
    keys.publicKey.export({ type: 'spki', format: 'der' }),
    tagged(3, sequence(...extensions)),
  );
  const certificate = sequence(toBeSigned, SIGNATURE, bits(sign('sha256', toBeSigned, signer)));
  return {
    cert: pem(certificate),
    key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

const nameOf = (commonName: string): Buffer => sequence(set(sequence(oid(OID.commonName), utf8(commonName))));

const extension = (id: string, value: Buffer, isCritical = false): Buffer =>
  sequence(oid(id), ...(isCritical ? [yes()] : []), octets(value));

const keyId = (key: KeyObject): Buffer =>
  createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest()
    .subarray(0, 20);

const altName = (host: string): Buffer =>
  isIP(host) === 0 ? implicit(2, Buffer.from(host, 'latin1')) : implicit(7, addressBytes(host));

function addressBytes(host: string): Buffer {
  if (isIP(host) === 4) {
    return Buffer.from(host.split('.').map(Number));
  }
  // Without its zone and with its groups abbreviated, as Node returns it.
  const { address } = new SocketAddress({ address: host, family: 'ipv6' });
  const [head = '', tail] = address.split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const [before, after] = [groups(head), groups(tail ?? '')];
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0');
  return Buffer.from(
    [...before, ...(tail === undefined ? [] : zeros), ...after]
      .map((group) => group.padStart(4, '0'))
      .join(''),
    'hex',
  );
}

function pem(contents: Buffer): string {
  const lines = contents.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
