/**
 * RFC 3339 with six fractional digits, as `metav1.MicroTime` requires: the API server answers a Lease or Event with JavaScript's three digits
 * with 400, and a leader election on it never elects anybody (kubernetes-client/javascript issue 828). `ms` since the epoch.
 */
export function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
