/** Pods and causes in the status. */
import { Type } from 'typebox';
import { CLASSES, POD_STATES, TRIGGERS, UNRUNNABLE } from './enums.ts';
import type { AnyReason } from './reasons.ts';
import { count, oneOf, text, time } from './schema-parts.ts';

export const exitCode = (description: string) => Type.Integer({ format: 'int32', description });

/** A reason; it may also be the user's or Kubernetes', so it is not an enumeration. */
export const reason = (description: string) =>
  Type.Unsafe<AnyReason>({ type: 'string', maxLength: 64, description });

/** A cause, as data; core/report/cause-text.ts has the text. */
export const Cause = (description: string) =>
  Type.Optional(
    Type.Object(
      {
        reason: reason('What happened.'),
        pod: Type.Optional(text('Name of the pod.', 253)),
        node: Type.Optional(text('Its node.', 253)),
        others: Type.Optional(count('Further pods with evidence against them.')),
        container: Type.Optional(text('Name of the container.', 63)),
        image: Type.Optional(text('The image of the container.', 1024)),
        wanted: Type.Optional(text('The requested image.', 1024)),
        by: Type.Optional(text('Field manager that set the image.', 128)),
        workload: Type.Optional(text('Kind and name of the workload.', 320)),
        passed: Type.Optional(count('Pods that passed.')),
        desired: Type.Optional(count('Desired pods.')),
        trigger: Type.Optional(oneOf(TRIGGERS, { description: 'What started the attempt that took over.' })),
        check: Type.Optional(text('Name of the check.', 63)),
        command: Type.Optional(text('The program that the check runs.', 256)),
        exitCode: Type.Optional(exitCode('Exit code of the command, or of the container.')),
        unrunnable: Type.Optional(oneOf(UNRUNNABLE, { description: 'Why the command cannot be run.' })),
        ended: Type.Optional(
          reason("Kubernetes' reason for the last termination of the container, such as `OOMKilled`."),
        ),
        restarts: Type.Optional(count('How often the container restarted.')),
        condition: Type.Optional(text('Type of the pod condition that is not True.', 316)),
        seconds: Type.Optional(count('The time-out of the check, or `minReadySeconds`.')),
        deleted: Type.Optional(Type.Boolean({ description: 'Aborted because the Upgrade was deleted.' })),
        limit: Type.Optional(count('How many are allowed.')),
        repeated: Type.Optional(count('Times in a row.')),
        late: Type.Optional(Type.Boolean({ description: 'Whether the pod had passed before.' })),
        since: Type.Optional(time('Since when.')),
        deadlineSeconds: Type.Optional(count('The deadline that has passed, in seconds.')),
        idleSeconds: Type.Optional(count('Seconds without progress.')),
        detail: Type.Optional(
          text(
            "Text of an exit-code rule, the readiness script, the kubelet or the API server; never a check's output.",
            512,
          ),
        ),
      },
      { description },
    ),
  );

const PodCheck = Type.Object({
  check: text('Name of the check.', 63),
  container: text('Name of the container.', 63),
  exitCode: Type.Optional(exitCode('Exit code of the last probe; absent if it had none.')),
  class: oneOf(CLASSES, { description: 'Result of the last probe.' }),
  reason: reason('Why, in one CamelCase word.'),
  message: Type.Optional(text('Meaning of the code, or why there is no code.', 512)),
  output: Type.Optional(text('Head and tail of the output of the last probe.', 8300)),
  attempts: count('Probes so far, in this container.'),
  timeouts: Type.Optional(
    count('Probes that exceeded the time limit; their processes may still run in the container.'),
  ),
  firstAt: time('First probe.'),
  lastAt: time('Last probe.'),
});

export const PodReport = Type.Object({
  name: text('Name of the pod.', 253),
  node: Type.Optional(text('Node that it runs on.', 253)),
  state: oneOf(POD_STATES, {
    description: 'State of this pod.',
  }),
  reason: reason('Why, in one CamelCase word.'),
  message: Type.Optional(text('Why, in one sentence.', 1024)),
  deadlineAt: Type.Optional(
    time('Deadline of the pod; absent once it has passed or failed, and while no deadline runs.'),
  ),
  lastEnds: Type.Optional(
    Type.Array(
      Type.Object({
        container: text('Name of the container.', 63),
        reason: reason("Kubernetes' reason, such as `OOMKilled` or `Error`."),
        exitCode: exitCode('Exit code of the container.'),
        message: Type.Optional(text('The termination message of the application.', 512)),
      }),
      { maxItems: 4, description: 'The last unsuccessful termination of each container.' },
    ),
  ),
  checks: Type.Array(PodCheck, {
    maxItems: 64,
    description: 'The last probe of each check in each container.',
  }),
});

export const ExitCodes = (description: string) =>
  Type.Optional(
    Type.Array(
      Type.Object({
        check: text('Name of the check.', 63),
        container: text('Name of the container.', 63),
        code: exitCode('The exit code.'),
        class: oneOf(CLASSES, { description: 'Result that the code stands for.' }),
        reason: reason('Reason of the code, in one CamelCase word.'),
        pods: count('Pods whose last probe returned this code.'),
      }),
      { maxItems: 32, description },
    ),
  );
