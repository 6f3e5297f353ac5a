/** The operator's webhook, called by a real API server, for the same cases as the policy. */
import { describeGate } from './gate-cases.ts';
import { installWebhook } from './webhook.ts';

describeGate(async (api) => {
  const replica = await installWebhook(api);
  return () => replica.stop();
});
