/** Expands `$(NAME)` in the command of an exec probe. */
import type { EnvVar } from './spec.ts';

/**
 * Replaces `$(NAME)` by the literal environment of the container, as kubelet does for exec probes. Variables with `valueFrom` are unknown here
 * (kubelet maps them to an empty text), unknown names stay unchanged, and `$$` is one dollar sign, so `$$(NAME)` becomes `$(NAME)`.
 */
export function expandCommand(command: readonly string[], env: readonly EnvVar[]): string[] {
  const values = new Map(env.map((variable) => [variable.name, variable.value ?? '']));
  return command.map((word) => expand(word, values));
}

function expand(word: string, values: ReadonlyMap<string, string>): string {
  return word.replace(/\$\$|\$\(([^)]*)\)/g, (found, name: string | undefined) => {
    return name === undefined ? '$' : (values.get(name) ?? found);
  });
}
