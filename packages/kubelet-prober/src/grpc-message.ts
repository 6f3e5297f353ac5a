/** Protobuf and gRPC framing, as far as grpc.health.v1.Health/Check needs them: a request with one string, a response with one enum. */

/** Names of HealthCheckResponse.ServingStatus by number. */
const SERVING_STATUS = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];

/** Encodes a HealthCheckRequest in its gRPC frame. */
export function encodeRequest(service: string): Buffer {
  const name = Buffer.from(service, 'utf8');
  const message =
    name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, ...varint(name.length)]), name]);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** Decodes a body of exactly one framed HealthCheckResponse to its status, such as `SERVING`; `undefined` if the body is anything else. */
export function decodeResponse(body: Buffer): string | undefined {
  if (body.length < 5 || body[0] !== 0 || body.readUInt32BE(1) !== body.length - 5) {
    return undefined;
  }
  const status = statusField(body.subarray(5));
  return status === undefined ? undefined : (SERVING_STATUS[status] ?? String(status));
}

/** Returns field 1 of the message; 0 if it is absent. Unknown fields are skipped. */
function statusField(message: Buffer): number | undefined {
  const reader = { message, at: 0 };
  let status = 0;
  while (reader.at < message.length) {
    const key = readVarint(reader);
    const value = key === undefined ? undefined : readField(reader, key & 7);
    if (key === undefined || value === undefined || reader.at > message.length) {
      return undefined;
    }
    status = key === 8 ? value : status;
  }
  return status;
}

interface Reader {
  readonly message: Buffer;
  at: number;
}

/** Skips one field; returns its value if it is a number. */
function readField(reader: Reader, wireType: number): number | undefined {
  if (wireType === 0) {
    return readVarint(reader);
  }
  const length = wireType === 1 ? 8 : wireType === 5 ? 4 : wireType === 2 ? readVarint(reader) : undefined;
  reader.at += length ?? 0;
  return length;
}

function readVarint(reader: Reader): number | undefined {
  let value = 0;
  for (let shift = 0; shift < 70; shift += 7) {
    const byte = reader.message[reader.at];
    if (byte === undefined) {
      return undefined;
    }
    reader.at += 1;
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) {
      return value;
    }
  }
  return undefined;
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) {
    bytes.push((rest % 128) | 0x80);
  }
  return [...bytes, rest];
}
