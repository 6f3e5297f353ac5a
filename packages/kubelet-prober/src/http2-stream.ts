/** Streams of HTTP/2 that cannot end the process, whatever the other end sends. */
import type {
  ClientHttp2Session,
  ClientHttp2Stream,
  ClientSessionRequestOptions,
  OutgoingHttpHeaders,
} from 'node:http2';

/**
 * Keeps a session's native half until that of its stream is gone. The latter may hold headers of a block that the peer never completed, in memory that
 * Node counts to the session: if the session is collected first, an assertion in its destructor ends the process (nodejs/node#39951).
 */
const sessionHandles = new FinalizationRegistry<object>(() => {});

/** Opens a stream. Throws if the headers cannot be sent. */
export function openStream(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  options?: ClientSessionRequestOptions,
): ClientHttp2Stream {
  const stream = session.request(headers, options);
  const keep = (): void => {
    const [ofStream, ofSession] = [nativeHalf(stream), nativeHalf(session)];
    if (ofStream && ofSession) {
      sessionHandles.register(ofStream, ofSession);
    }
  };
  if (stream.pending) {
    stream.once('ready', keep);
  } else {
    keep();
  }
  return stream;
}

/** Node has no other name for it; both objects drop it when they are destroyed, so that it has to be read before. */
function nativeHalf(owner: object): object | undefined {
  const symbol = Object.getOwnPropertySymbols(owner).find(({ description }) => description === 'kHandle');
  return symbol && (owner as Record<symbol, object | undefined>)[symbol];
}
