/** Loaded before a program (`node --import`): its machine's clock is off by CLOCK_OFF_SECONDS, for this process alone. */
const offMs = Number(process.env['CLOCK_OFF_SECONDS']) * 1000;
const TrueDate = Date;

globalThis.Date = new Proxy(TrueDate, {
  construct: (target, args: unknown[]) =>
    Reflect.construct(target, args.length === 0 ? [TrueDate.now() + offMs] : args),
  get: (target, key) => (key === 'now' ? () => TrueDate.now() + offMs : Reflect.get(target, key)),
});
