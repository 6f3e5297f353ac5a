/** What the probed containers run: shell scripts for busybox that answer every connection in one particular way. */

const head = (status: string, ...headers: string[]) =>
  `HTTP/1.1 ${status}\\r\\n${headers.map((line) => `${line}\\r\\n`).join('')}Connection: close\\r\\n\\r\\n`;

/** Runs `script` for each connection on `port`, with the connection as its input and output. Busybox comes with one of two kinds of nc. */
export function onConnection(port: number, script: string): string {
  const file = `/tmp/on-${port}`;
  return `cat > ${file} <<'END'\n${script}\nEND\n(nc -ll -p ${port} -e sh ${file} || nc -lk -p ${port} -e sh ${file}) &`;
}

/** Reads a request: its target is in $target, its head, without carriage returns, in $head. */
export const readRequest = `read -r _ target _
head=
while read -r line; do line=$(printf %s "$line" | tr -d '\\r'); [ -n "$line" ] || break; head="$head
$line"; done`;

const say = (text: string) => `printf '${text}'`;

/** Answers every request with this status, these headers and "body". */
export function answers(status: string, ...headers: string[]): string {
  return onConnection(8080, `${readRequest}\n${say(`${head(status, ...headers)}body`)}`);
}

/** Answers with exactly these bytes (in printf's notation), then waits `seconds` before it closes. */
export function answersBytes(bytes: string, seconds = 0): string {
  return onConnection(8080, `${readRequest}\n${say(bytes)}\nsleep ${seconds}`);
}

/** Answers 200 if the request target is this one, and its head has these lines, none that begin with the others, and such a user agent; else 500. */
export function expects(
  target: string,
  lines: string[] = [],
  absent: string[] = [],
  userAgent?: string,
): string {
  const has = lines.map((line) => `printf '%s\\n' "$head" | grep -qxiF '${line}' || status='500 No'`);
  const hasNot = absent.map((start) => `printf '%s\\n' "$head" | grep -qi '^${start}' && status='500 No'`);
  const isAgent =
    userAgent === undefined
      ? []
      : [`printf '%s\\n' "$head" | grep -qxiE 'user-agent: ${userAgent}' || status='500 No'`];
  const isTarget = `[ "$target" = '${target}' ] || status='500 No'`;
  return onConnection(
    8080,
    [
      readRequest,
      "status='200 OK'",
      isTarget,
      ...has,
      ...hasNot,
      ...isAgent,
      `printf "HTTP/1.1 $status\\r\\nConnection: close\\r\\n\\r\\n"`,
    ].join('\n'),
  );
}

/** Redirects everything but /new and /bad to `location`, in which $POD_IP may stand. /new is fine, /bad is not. */
export function redirects(status: string, location: string): string {
  const redirect = `printf "HTTP/1.1 ${status}\\r\\nLocation: ${location}\\r\\nConnection: close\\r\\n\\r\\nmoved"`;
  const pages = `case "$target" in\n/new) ${say(`${head('200 OK')}new`)};;\n/bad) ${say(head('500 Bad'))};;\n*) ${redirect};;\nesac`;
  return onConnection(8080, `${readRequest}\n${pages}`);
}

function frame(type: number, flags: number, stream: number, payload: Buffer) {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header.writeUInt8(type, 3);
  header.writeUInt8(flags, 4);
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
}
const octal = (bytes: Buffer) => [...bytes].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');

const settings = Buffer.concat([frame(4, 0, 0, Buffer.alloc(0)), frame(4, 1, 0, Buffer.alloc(0))]);
const grpcHead = frame(
  1,
  4,
  1,
  Buffer.concat([Buffer.from([0x88, 0x0f, 0x10, 16]), Buffer.from('application/grpc')]),
);
const grpcStatus = (code: number) =>
  Buffer.concat([Buffer.from([0, 11]), Buffer.from('grpc-status'), Buffer.from([1, 0x30 + code])]);

/** Speaks HTTP/2 word for word from a script: settings, and a second later, when the call has come, `answer`. */
function canned(answer: Buffer): string {
  return onConnection(8080, `${say(octal(settings))}\nsleep 1\n${say(octal(answer))}\nsleep 10`);
}

/** A gRPC health server that answers with this ServingStatus. */
export function grpcHealth(status: number): string {
  const message = status === 0 ? Buffer.alloc(0) : Buffer.from([8, status]);
  const data = frame(0, 0, 1, Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]));
  return canned(Buffer.concat([grpcHead, data, frame(1, 5, 1, grpcStatus(0))]));
}

/** A gRPC server that ends the call with this status (0–9) and no message. */
export function grpcEnds(status: number): string {
  return canned(
    frame(
      1,
      5,
      1,
      Buffer.concat([
        Buffer.from([0x88, 0x0f, 0x10, 16]),
        Buffer.from('application/grpc'),
        grpcStatus(status),
      ]),
    ),
  );
}

/** An HTTP/2 server that takes the call and never answers. */
export const grpcSilent = onConnection(8080, `${say(octal(settings))}\nsleep 30`);
