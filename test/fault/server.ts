/** A TLS server on loopback with its own certificate authority, and a kubeconfig that leads to it. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo, Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Certificates {
  readonly folder: string;
  readonly key: Buffer;
  readonly cert: Buffer;
  readonly remove: () => void;
}

/** A self-signed certificate for 127.0.0.1. */
export function makeCertificates(): Certificates {
  const folder = mkdtempSync(join(tmpdir(), 'postcheck-tls-'));
  const [key, cert] = [join(folder, 'tls.key'), join(folder, 'tls.crt')];
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', cert, ...subject],
    {
      stdio: 'ignore',
    },
  );
  return {
    folder,
    key: readFileSync(key),
    cert: readFileSync(cert),
    remove: () => rmSync(folder, { recursive: true }),
  };
}

/** Listens on a free port of loopback and writes a kubeconfig for it; gives the kubeconfig's path. */
export async function listen(
  server: Server,
  certificates: Certificates,
  token = 'secret-token',
): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return writeKubeconfig(certificates, (server.address() as AddressInfo).port, token);
}

/** Of a server on loopback whose authority is `tls.crt` in the folder; gives the kubeconfig's path. */
export function writeKubeconfig(
  certificates: Pick<Certificates, 'folder'>,
  port: number,
  token: string,
): string {
  const path = join(certificates.folder, `kubeconfig-${port}`);
  const config = {
    clusters: [
      {
        name: 'c',
        cluster: {
          server: `https://127.0.0.1:${port}`,
          'certificate-authority': join(certificates.folder, 'tls.crt'),
        },
      },
    ],
    users: [{ name: 'u', user: { token } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  };
  writeFileSync(path, JSON.stringify(config));
  return path;
}

/** Ends a server with all its connections. */
export class Connections {
  readonly #open = new Set<Socket>();

  track(server: Server): void {
    server.on('secureConnection', (socket: Socket) => {
      this.#open.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => this.#open.delete(socket));
    });
  }

  get size(): number {
    return this.#open.size;
  }

  async close(server: Server): Promise<void> {
    for (const socket of this.#open) {
      socket.destroy();
    }
    await new Promise((resolve) => server.close(resolve));
  }
}

/** Answers an upgrade to a WebSocket by hand, so that any bytes can follow. */
export function acceptUpgrade(socket: Socket, key: string | undefined, protocol = 'v5.channel.k8s.io'): void {
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: ${protocol}\r\n\r\n`,
  );
}

export const opcode = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** A WebSocket frame as a server sends it. `claimed`: length written in the header when it shall differ from the truth. */
export function frame(op: number, payload: Buffer, claimed = payload.length): Buffer {
  const header =
    claimed < 126 ? Buffer.from([0x80 | op, claimed]) : claimed < 65536 ? Buffer.alloc(4) : Buffer.alloc(10);
  if (claimed >= 126) {
    header[0] = 0x80 | op;
    header[1] = claimed < 65536 ? 126 : 127;
    if (claimed < 65536) {
      header.writeUInt16BE(claimed, 2);
    } else {
      header.writeBigUInt64BE(BigInt(claimed), 2);
    }
  }
  return Buffer.concat([header, payload]);
}

/** A binary frame of the exec protocol: channel, then bytes. */
export function channel(number: number, content: string | Buffer = ''): Buffer {
  return frame(opcode.binary, Buffer.concat([Buffer.from([number]), Buffer.from(content)]));
}

export function closeFrame(code: number): Buffer {
  const payload = Buffer.alloc(2);
  payload.writeUInt16BE(code);
  return frame(opcode.close, payload);
}
