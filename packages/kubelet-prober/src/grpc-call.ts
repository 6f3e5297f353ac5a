/** One unary gRPC call of the health service. */
import type {
  ClientHttp2Session,
  ClientHttp2Stream,
  IncomingHttpHeaders,
  IncomingHttpStatusHeader,
} from 'node:http2';
import { errorText } from './connection.ts';
import type { Deadline } from './deadline.ts';
import { encodeRequest } from './grpc-message.ts';
import { USER_AGENT } from './http-request.ts';
import { openStream } from './http2-stream.ts';
import { OUTPUT_LIMIT_BYTES } from './result.ts';

/** The result of a unary call: a gRPC status, and the messages before it. */
export interface CallEnd {
  /** https://grpc.github.io/grpc/core/md_doc_statuscodes.html; 0 is OK. */
  readonly code: number;
  readonly message: string;
  readonly body: Buffer;
}

export const grpcCode = {
  ok: 0,
  unknown: 2,
  deadlineExceeded: 4,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
} as const;

/** Calls grpc.health.v1.Health/Check on a session that is ready. Never rejects; the deadline ends it with DEADLINE_EXCEEDED. */
export function callHealthCheck(
  session: ClientHttp2Session,
  authority: string,
  service: string,
  deadline: Deadline,
): Promise<CallEnd> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    let bytes = 0;
    const end = (code: number, message: string): void => {
      forget();
      resolve({ code, message, body: Buffer.concat(pieces) });
    };
    const forget = deadline.onEnd(() => end(grpcCode.deadlineExceeded, 'the deadline has passed'));
    const stream = startCall(session, authority, deadline);
    if (stream instanceof Error) {
      end(grpcCode.unavailable, errorText(stream));
      return;
    }
    let status: CallStatus | undefined;
    stream.on('response', (head) => {
      status = statusOf(head) ?? refusal(head);
    });
    stream.on('trailers', (trailers) => {
      status ??= statusOf(trailers);
    });
    stream.on('data', (piece: Buffer) => {
      pieces.push(piece);
      bytes += piece.length;
      if (bytes > OUTPUT_LIMIT_BYTES) {
        end(grpcCode.resourceExhausted, `more than ${OUTPUT_LIMIT_BYTES} bytes received`);
        stream.destroy();
      }
    });
    stream.on('error', (error) => end(grpcCode.unavailable, errorText(error)));
    stream.on('close', () =>
      status === undefined
        ? end(grpcCode.internal, 'the stream ended without a gRPC status')
        : end(status.code, status.message),
    );
    stream.end(encodeRequest(service));
  });
}

interface CallStatus {
  readonly code: number;
  readonly message: string;
}

function startCall(
  session: ClientHttp2Session,
  authority: string,
  deadline: Deadline,
): ClientHttp2Stream | Error {
  try {
    return openStream(session, {
      ':method': 'POST',
      ':scheme': 'http',
      ':authority': authority,
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      'user-agent': USER_AGENT,
      te: 'trailers',
      'grpc-timeout': `${Math.max(1, Math.floor(deadline.endsAtMs - performance.now()))}m`,
    });
  } catch (error) {
    return error as Error;
  }
}

function statusOf(headers: IncomingHttpHeaders): CallStatus | undefined {
  const code = headers['grpc-status'];
  return code === undefined
    ? undefined
    : { code: Number(code), message: decoded(String(headers['grpc-message'] ?? '')) };
}

/** Converts a response that is not gRPC; by gRPC's rule HTTP 404 means that the method is not implemented. */
function refusal(head: IncomingHttpHeaders & IncomingHttpStatusHeader): CallStatus | undefined {
  const status = head[':status'];
  if (status !== 200) {
    const code = status === 404 ? grpcCode.unimplemented : grpcCode.unknown;
    return { code, message: `unexpected HTTP status code received from server: ${status}` };
  }
  const type = String(head['content-type'] ?? '');
  return /^application\/grpc([+;]|$)/.test(type)
    ? undefined
    : { code: grpcCode.unknown, message: `unexpected content-type "${type}"` };
}

/** Decodes a grpc-message, which is percent-encoded; a malformed one is shown unchanged. */
function decoded(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}
