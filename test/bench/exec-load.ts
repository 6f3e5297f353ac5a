/** Runs execs with a fixed concurrency, and prints time, CPU time and failures as one line of JSON. */

export interface Load {
  readonly pods: readonly string[];
  readonly tries: number;
  readonly atOnce: number;
  readonly warmUp: number;
}

/** `exec` returns whether it succeeded. */
export async function runLoad(
  { pods, tries, atOnce, warmUp }: Load,
  exec: (pod: string) => Promise<boolean>,
): Promise<void> {
  let next = 0;
  let failed = 0;
  const worker = async (end: number): Promise<void> => {
    while (next < end) {
      failed += (await exec(pods[next++ % pods.length] ?? '')) ? 0 : 1;
    }
  };
  const run = async (count: number): Promise<void> => {
    const end = next + count;
    await Promise.all(Array.from({ length: atOnce }, () => worker(end)));
  };
  await run(warmUp);
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  await run(tries);
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (performance.now() - startedAt) / 1000;
  process.stdout.write(`${JSON.stringify({ seconds, cpuSeconds: (user + system) / 1e6, failed })}\n`);
}
