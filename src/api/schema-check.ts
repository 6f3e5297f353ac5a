/** One check of a post-check: what is run, and what its results mean. */
import { Type } from 'typebox';
import { RESERVED_REASONS } from './reasons.ts';
import { name63, oneOf, quotable, rules, seconds } from './schema-parts.ts';

const codes = (rule: string) => `string(${rule}.codes)`;
const isRange = (rule: string) => `${codes(rule)}.matches('^[0-9]{1,3}(-[0-9]{1,3})?$')`;
const lo = (rule: string) => `int(${codes(rule)}.split('-')[0])`;
const hi = (rule: string) => `int(${codes(rule)}.split('-')[${codes(rule)}.split('-').size() - 1])`;

const ExitCodeRule = Type.Object(
  {
    codes: Type.Unsafe<number | string>({
      'x-kubernetes-int-or-string': true,
      maxLength: 7,
      description: 'One code such as `2`, or a range such as `3-119`; 0 to 255.',
    }),
    class: oneOf(['Pass', 'Retry', 'Fail', 'Skip'], {
      description:
        'What these codes mean: `Pass`; `Retry` probes again until the deadline; `Fail` fails the pod immediately; `Skip` means that there is nothing to check.',
    }),
    reason: Type.String({
      default: 'ProbeFailed',
      minLength: 1,
      maxLength: 64,
      pattern: '^[A-Z][A-Za-z0-9]*$',
      description: 'CamelCase reason shown in the status: a name of your own, or `ProbeFailed`.',
      ...rules({
        rule: `!(self in [${RESERVED_REASONS.map((reason) => `'${reason}'`).join(', ')}])`,
        message: 'this reason means something else in postcheck: choose a name of your own',
      }),
    }),
    message: Type.String({
      default: '',
      maxLength: 256,
      description: 'Human-readable meaning of the code, shown in the status.',
      ...quotable('message must be one line without control and invisible characters'),
    }),
  },
  rules(
    {
      rule: `${isRange('self')} && ${hi('self')} <= 255 && ${lo('self')} <= ${hi('self')}`,
      message: 'codes must be between 0 and 255, the smaller one first, such as 17 or 3-119',
    },
    {
      rule: `!${isRange('self')} || self.class != 'Fail' || ${lo('self')} > 0`,
      message:
        'exit code 0 cannot be Fail: exclude 0 from the range, or use another exit code for the failure',
    },
  ),
);

const Port = Type.Unsafe<number | string>({
  'x-kubernetes-int-or-string': true,
  maxLength: 15,
  description: "Number of the port, or the name of one of the pod's container ports.",
  ...rules({
    rule: "type(self) == int ? 1 <= int(self) && int(self) <= 65535 : string(self).matches('^[1-9][0-9]{0,4}$') ? int(string(self)) <= 65535 : string(self).matches('^[a-z0-9-]*[a-z][a-z0-9-]*$')",
    message: 'port must be a number from 1 to 65535, or the name of a container port such as "http"',
  }),
});

export const RolloutCheck = Type.Object(
  {
    name: Type.String({ ...name63, description: 'Name of the check, shown in the status.' }),
    query: Type.String({
      minLength: 1,
      maxLength: 4096,
      description:
        'PromQL. `{{namespace}}`, `{{name}}` and `{{kind}}` are those of the workload, `{{newPods}}` and `{{oldPods}}` regular expressions of the names of its pods. For a StatefulSet, whose new pods have the names of those before them, a query with `{{newPods}}` is first sent when the newest of them is older than the samples that it reads: five minutes, or its ranges if they are longer.',
    }),
    passWhen: Type.String({
      maxLength: 40,
      pattern: '^(<|<=|>|>=|==|!=) *-?[0-9]+([.][0-9]+)?$',
      description:
        'Condition for each value of the result, such as `< 0.05`. No data, no number and no response are no evidence: they neither pass nor fail.',
    }),
  },
  { description: 'A check of the rollout as a whole.' },
);

export const Check = Type.Object(
  {
    name: Type.String({ ...name63, description: 'Name of the check, shown in the status.' }),
    exec: Type.Optional(
      Type.Object(
        {
          command: Type.Array(Type.String({ maxLength: 4096 }), {
            minItems: 1,
            maxItems: 64,
            description: 'Command and arguments, run without a shell in the container.',
          }),
        },
        { description: 'Runs a command in each container of the check and reads its exit code.' },
      ),
    ),
    // No `host`, unlike a kubelet probe: the author of an Upgrade could make the operator connect to any address that it can reach.
    httpGet: Type.Optional(
      Type.Object(
        {
          path: Type.Optional(
            Type.String({ maxLength: 4096, description: 'Path of the request. Defaults to `/`.' }),
          ),
          port: Port,
          scheme: oneOf(['HTTP', 'HTTPS'], {
            default: 'HTTP',
            description: 'With HTTPS, certificates are not verified, as for a kubelet probe.',
          }),
          httpHeaders: Type.Array(
            Type.Object({
              name: Type.String({ minLength: 1, maxLength: 256, description: 'Name of the header.' }),
              value: Type.String({ maxLength: 4096, description: 'Value of the header.' }),
            }),
            { default: [], maxItems: 32, description: 'Headers to send; repeated headers are allowed.' },
          ),
        },
        {
          description:
            'Passes if a GET request returns 200 to 399, as for a kubelet probe; sent by the operator.',
        },
      ),
    ),
    tcpSocket: Type.Optional(
      Type.Object({ port: Port }, { description: 'Passes if the operator can open a connection.' }),
    ),
    grpc: Type.Optional(
      Type.Object(
        {
          port: Type.Integer({
            minimum: 1,
            maximum: 65535,
            format: 'int32',
            description: 'Number of the port.',
          }),
          service: Type.String({
            default: '',
            maxLength: 253,
            description: 'Name of the service; empty for the server as a whole.',
          }),
        },
        { description: 'Passes if gRPC health v1 returns SERVING; called by the operator.' },
      ),
    ),
    containers: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 63 }), {
        minItems: 1,
        maxItems: 64,
        'x-kubernetes-list-type': 'set',
        description:
          'Containers to run the command in, or `["*"]` for every regular container and sidecar. Defaults to the upgraded containers.',
        ...rules({
          rule: "!('*' in self) || self.size() == 1",
          message: 'containers must be either ["*"] alone or a list of names',
        }),
      }),
    ),
    timeoutSeconds: seconds('Time limit of one probe.', { minimum: 1, maximum: 300, default: 10 }),
    whenMissing: oneOf(['Auto', 'Fail', 'Skip'], {
      default: 'Auto',
      description:
        'What to do if the container does not have the command: `Fail`; `Skip` (nothing to check in this image); or `Auto`: if the previous version did not have it either, readiness decides and a warning says so, otherwise Fail. A command that exists but cannot be run always fails.',
    }),
    exitCodes: Type.Array(ExitCodeRule, {
      default: [],
      maxItems: 32,
      'x-kubernetes-list-type': 'atomic',
      description: 'Meanings of exit codes. A rule takes precedence over the default table for its codes.',
      ...rules({
        rule: `self.all(a, !${isRange('a')} || self.filter(b, ${isRange('b')} && ${lo('b')} <= ${hi('a')} && ${lo('a')} <= ${hi('b')}).size() == 1)`,
        message: 'exitCodes must not overlap: each code may be in one rule only',
      }),
    }),
    maxOutputBytes: Type.Integer({
      default: 1024,
      minimum: 0,
      maximum: 8192,
      format: 'int32',
      description:
        'Number of bytes of the output to keep in the status, from its head and its tail; 0 keeps none.',
    }),
  },
  rules(
    {
      rule: '[has(self.exec), has(self.httpGet), has(self.tcpSocket), has(self.grpc)].filter(x, x).size() == 1',
      message:
        'a check must have exactly one handler: exec: {command: [...]}, httpGet: {port: ...}, tcpSocket: {port: ...} or grpc: {port: ...}',
    },
    {
      rule: 'has(self.exec) || (!has(self.containers) && self.exitCodes.size() == 0)',
      message: 'containers and exitCodes belong to exec: remove them from a network check',
    },
  ),
);

const MOST_CHARACTERS = 32_768;
const LENGTHS = [
  'has(c.exec) ? c.exec.command.map(word, word.size()).sum() : 0',
  'has(c.httpGet) ? c.httpGet.httpHeaders.map(h, h.name.size() + h.value.size()).sum() : 0',
  'has(c.httpGet) && has(c.httpGet.path) ? c.httpGet.path.size() : 0',
  'has(c.containers) ? c.containers.map(name, name.size()).sum() : 0',
  'c.exitCodes.map(code, code.message.size()).sum()',
];

/** The operator keeps every Upgrade in memory. The limits of the single fields alone would let one have as much as etcd stores of an object. */
export const CHECKS_LENGTH = {
  rule: `self.map(c, ${LENGTHS.map((length) => `(${length})`).join(' + ')}).sum() <= ${MOST_CHARACTERS}`,
  message: `the commands, headers, paths, container names and messages of all checks have more than ${MOST_CHARACTERS} characters together: put long scripts into the image`,
};
