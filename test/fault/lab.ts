/** A real API server with the chart's policies, nodes that are only played, and room for many stories side by side, each in its namespace. */
import { type ApiServer, eventually, startApiServer } from '../api/api-server.ts';
import { renderChart } from '../chart/render.ts';
import { FakeKubelet } from './kubelet.ts';
import type { Upstream } from './proxy.ts';
import { Rest, upstreamOf } from './rest.ts';
import { type Certificates, makeCertificates } from './server.ts';

export interface Lab {
  readonly api: ApiServer;
  readonly upstream: Required<Upstream>;
  readonly rest: Rest;
  readonly kubelet: FakeKubelet;
  readonly certificates: Certificates;
  stop(): void;
}

/** What the API server needs to know of the operator: its kind, and the policy that closes gates. */
const NEEDED = ['CustomResourceDefinition', 'MutatingAdmissionPolicy', 'MutatingAdmissionPolicyBinding'];

export async function startLab(): Promise<Lab> {
  const api = startApiServer();
  const objects = renderChart(['--api-versions', 'admissionregistration.k8s.io/v1/MutatingAdmissionPolicy']);
  for (const object of objects.filter(({ kind }) => NEEDED.includes(kind))) {
    api.kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(object));
  }
  await eventually(() => api.kubectl(['wait', '--for=condition=Established', 'crd/upgrades.postcheck.dev']));
  const upstream = upstreamOf(api.kubeconfig);
  const rest = new Rest(upstream);
  const kubelet = new FakeKubelet(rest);
  await kubelet.start();
  const certificates = makeCertificates();
  return {
    api,
    upstream,
    rest,
    kubelet,
    certificates,
    stop: () => {
      kubelet.stop();
      rest.close();
      certificates.remove();
      api.stop();
    },
  };
}
