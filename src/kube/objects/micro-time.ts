/**
 * Formats a time in RFC 3339 with six fractional digits, as `metav1.MicroTime` requires. With JavaScript's three digits the API server rejects a
 * Lease or Event with 400, and no leader is ever elected (kubernetes-client/javascript issue 828). `ms` since the epoch.
 */
export function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
