/** A test environment: a real API server with the chart's policies and fake nodes, for many concurrent stories, each in its own namespace. */
import { type ApiServer, eventually, startApiServer } from '../api/api-server.ts';
import { renderChart } from '../chart/render.ts';
import { AdminClient, upstreamOf } from './admin-client.ts';
import { FakeKubelet } from './kubelet.ts';
import type { Upstream } from './proxy.ts';
import { type Certificates, makeCertificates } from './server.ts';

export interface Environment {
  readonly api: ApiServer;
  readonly upstream: Required<Upstream>;
  readonly admin: AdminClient;
  readonly kubelet: FakeKubelet;
  readonly certificates: Certificates;
  stop(): void;
}

/** The kinds of the chart's objects that the API server needs: the CRD and the gate policy. */
const NEEDED = ['CustomResourceDefinition', 'MutatingAdmissionPolicy', 'MutatingAdmissionPolicyBinding'];

export async function startEnvironment(): Promise<Environment> {
  const api = startApiServer();
  const objects = renderChart(['--api-versions', 'admissionregistration.k8s.io/v1/MutatingAdmissionPolicy']);
  for (const object of objects.filter(({ kind }) => NEEDED.includes(kind))) {
    api.kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(object));
  }
  await eventually(() => api.kubectl(['wait', '--for=condition=Established', 'crd/upgrades.postcheck.dev']));
  const upstream = upstreamOf(api.kubeconfig);
  const admin = new AdminClient(upstream);
  const kubelet = new FakeKubelet(admin);
  await kubelet.start();
  const certificates = makeCertificates();
  return {
    api,
    upstream,
    admin,
    kubelet,
    certificates,
    stop: () => {
      kubelet.stop();
      admin.close();
      certificates.remove();
      api.stop();
    },
  };
}
