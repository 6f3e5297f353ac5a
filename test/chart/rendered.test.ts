/** The Helm chart: what it refuses and what it renders. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { OPERATOR_LABEL } from '../../packages/cli/src/operator.ts';
import type { KubeObject } from '../api/api-server.ts';
import { CHART, GATE_API, helm, renderChart } from './render.ts';

const read = (path: string) => readFileSync(join(CHART, path), 'utf8');
const ofKind = (objects: readonly KubeObject[], kind: string) =>
  objects.filter((object) => object.kind === kind);

/** `a.b.c` → value, down to scalars, lists and empty maps. */
function flatten(value: unknown, path = ''): [string, unknown][] {
  const isBranch =
    typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
  if (!isBranch || path === 'metrics.dashboard.labels') {
    return [[path, value]];
  }
  return Object.entries(value).flatMap(([key, child]) => flatten(child, path ? `${path}.${key}` : key));
}

interface Described {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Described>>;
}
const describedAt = (path: string): string | undefined =>
  path
    .split('.')
    .reduce<Described | undefined>(
      (node, name) => node?.properties?.[name],
      JSON.parse(read('values.schema.json')),
    )?.description;

interface PodTemplate {
  readonly spec: Record<string, unknown> & {
    readonly containers: readonly (Record<string, unknown> & { readonly args?: readonly string[] })[];
  };
}
/** The pods of every object that makes some, hooks included. */
const podsOf = (objects: readonly KubeObject[]): PodTemplate[] =>
  objects.flatMap((object) => {
    const { template } = (object['spec'] ?? {}) as { template?: PodTemplate };
    return object.kind === 'Pod' ? [object as unknown as PodTemplate] : template ? [template] : [];
  });
const operatorOf = (objects: readonly KubeObject[]) =>
  podsOf(ofKind(objects, 'Deployment'))[0]?.spec.containers[0];

describe('values', () => {
  test('README.md lists every value with its default', () => {
    const rows = [...read('README.md').matchAll(/^\| `([\w.]+)` \| `([^`]+)` \|/gm)].map(
      ([, name, initial]) => [name, JSON.parse(initial ?? '')],
    );
    expect(rows).toEqual(flatten(parse(read('values.yaml'))));
  });

  test.each([
    ['a misspelled value', 'replica=3', /replica/],
    ['a misspelled value further down', 'gate.enabled=false', /enabled/],
    ['too many replicas', 'replicas=11', /replicas/],
    ['a text for a number', 'maxExecs=many', /maxExecs/],
    ['no exec at all', 'maxExecsPerNode=0', /maxExecsPerNode/],
    ['an unknown log level', 'logLevel=trace', /logLevel/],
    ['a namespace that cannot be', 'watchNamespaces={Shop}', /watchNamespaces/],
    ['a privileged port', 'metrics.port=80', /port/],
    ['a digest that is none', 'image.digest=latest', /digest/],
    ['a tag in the repository', 'image.repository=registry.example/postcheck:0.1.0', /repository/],
    ['a digest in the repository', 'image.repository=registry.example/postcheck@sha256:0', /repository/],
    ['a scheme in the repository', 'image.repository=https://registry.example/postcheck', /repository/],
    ['a quantity that is none', 'resources.limits.memory=512MB', /memory/],
    ['a user by name', 'securityContext.runAsUser=root', /runAsUser/],
    // As `gate:` is, when every line below it is a comment.
    ['a section without a value', 'gate=null', /missing property 'gate'/],
    [
      'a section without a value further down',
      'metrics.secure=null',
      /'\/metrics'.*missing property 'secure'/,
    ],
    ['one port for two', 'health.port=8080', /must differ: health.port is 8080, metrics.port is 8080/],
    ["the webhook's port for another", 'gate.webhook.port=8081', /must differ: .*gate.webhook.port is 8081/],
  ])('%s is refused and named', (_, value, message) => {
    expect(() => renderChart(['--set', value])).toThrow(message);
  });

  test.each(['postcheck', 'registry.example:5000/team/postcheck', '[::1]:5000/postcheck'])(
    '%s is a repository',
    (repository) => {
      const operator = operatorOf(renderChart(['--set-string', `image.repository=${repository}`]));
      const { appVersion } = parse(read('Chart.yaml')) as { appVersion: string };
      expect(operator?.['image']).toBe(`${repository}:${appVersion}`);
    },
  );

  test('the commands in the notes can be pasted into a shell as they are printed', () => {
    const printed = helm(['install', 'postcheck', CHART, '--dry-run=client']);
    const [block = ''] = /^kubectl apply -f -[\s\S]*?\n\n/m.exec(printed) ?? [];
    const shell = 'kubectl() { if [ "$1" = apply ]; then cat; else echo "# $*"; fi; }';
    const { stdout, stderr, status } = spawnSync('bash', ['-c', `${shell}\n${block}`], { encoding: 'utf8' });
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    expect(stdout).toContain('# get upgrades -A --watch');
    expect(parse(stdout)).toMatchObject({ kind: 'Upgrade', spec: { targetRef: { kind: 'Deployment' } } });
  });

  test('helm lint finds nothing', () => {
    const said = helm(['lint', '--strict', CHART]);
    expect(said).toMatch('0 chart(s) failed');
    expect(said).not.toMatch(/\[(INFO|WARNING|ERROR)\]/);
  });

  test('every value has a description in the schema, which editors show', () => {
    const silent = flatten(parse(read('values.yaml'))).filter(([path]) => !describedAt(path));
    expect(silent).toEqual([]);
  });

  test('what Artifact Hub reads is YAML, and its example an Upgrade', () => {
    const { annotations, icon, home } = parse(read('Chart.yaml')) as {
      annotations: Record<string, string>;
      icon: string;
      home: string;
    };
    const list = (name: string) =>
      parse(annotations[`artifacthub.io/${name}`] ?? '') as Record<string, string>[];
    expect(list('crdsExamples')[0]).toMatchObject({
      kind: 'Upgrade',
      spec: { targetRef: { kind: 'Deployment' } },
    });
    expect(list('crds')[0]).toMatchObject({
      kind: 'Upgrade',
      version: 'v1alpha1',
      name: 'upgrades.postcheck.dev',
    });
    expect(list('images')[0]?.['image']).toBe(
      `${parse(read('values.yaml')).image.repository}:${parse(read('Chart.yaml')).version}`,
    );
    expect(['changes', 'links'].map((name) => list(name).length > 0)).toEqual([true, true]);
    expect(existsSync(join(CHART, '../..', new URL(icon).pathname.split('/main/')[1] ?? ''))).toBe(true);
    expect(home).toMatch(/^https:/);
  });
});

describe('what is rendered', () => {
  test('the oldest Kubernetes that the chart takes is the oldest one that is tested', () => {
    const versions = readdirSync(join(CHART, '../../test/cluster/kubernetes')).sort();
    expect(parse(read('Chart.yaml')).kubeVersion).toBe(`>=${versions[0]}.0-0`);
  });

  test('version and image of chart and project are the same', () => {
    const { version } = JSON.parse(readFileSync(join(CHART, '../../package.json'), 'utf8'));
    expect(parse(read('Chart.yaml'))).toMatchObject({ version, appVersion: version });
  });

  test('the gate policy only where the cluster serves it, where it is wanted, and under the name that the operator is told', () => {
    const policies = (args: string[]) =>
      renderChart(args).filter(({ kind }) => kind.startsWith('MutatingAdmissionPolicy'));
    expect(policies([])).toEqual([]);
    expect(policies(['--api-versions', GATE_API, '--set', 'gate.carrier=None'])).toEqual([]);
    const named = ['--api-versions', GATE_API, '--set', 'gate.name=shop-gate'];
    expect(policies(named).map(({ metadata }) => metadata.name)).toEqual(['shop-gate', 'shop-gate']);
    expect(JSON.stringify(ofKind(renderChart(named), 'Deployment'))).toContain(
      '--gate-policy-name=shop-gate',
    );
    expect(JSON.stringify(ofKind(renderChart(named), 'Job'))).toContain('--gate-policy-name=shop-gate');
  });

  test('with watchNamespaces nothing is bound in the whole cluster but reading the one binding, and only these namespaces are gated', () => {
    const objects = renderChart(['--api-versions', GATE_API, '--set', 'watchNamespaces={shop,bank}']);
    const bound = ofKind(objects, 'ClusterRoleBinding').map(
      (binding) => (binding.roleRef as { name: string }).name,
    );
    expect(bound.sort()).toEqual(['postcheck-cluster', 'postcheck-uninstall']);
    const granted = (rendered: typeof objects) =>
      ofKind(rendered, 'ClusterRole')
        .filter(({ metadata }) => bound.includes(metadata.name))
        .flatMap(({ rules }) => rules as { resources: string[]; verbs: string[] }[])
        .flatMap(({ resources, verbs }) => resources.map((resource) => `${verbs} ${resource}`));
    const reads = [
      'get mutatingadmissionpolicybindings',
      'get customresourcedefinitions',
      // What the uninstall does.
      'delete mutatingadmissionpolicybindings',
    ];
    // Letting go the Upgrades of a namespace that ends; a policy refuses it elsewhere, and without policies it is not given.
    expect(new Set(granted(objects))).toEqual(new Set([...reads, 'patch upgrades']));
    const unguarded = renderChart(['--set', 'watchNamespaces={shop},authorPolicy.create=false']);
    expect(granted(unguarded)).not.toContain('patch upgrades');
    const [binding] = ofKind(objects, 'MutatingAdmissionPolicyBinding');
    expect(JSON.stringify(binding?.spec)).toContain('"values":["shop","bank"]');
    expect(JSON.stringify(ofKind(objects, 'Deployment'))).toContain('--watch-namespaces=shop,bank');
    expect(JSON.stringify(ofKind(objects, 'Job'))).toContain('--watch-namespaces=shop,bank');
  });

  test('health is on a port of its own, and each port has the flag that opens it', () => {
    const [deployment] = ofKind(
      renderChart(['--set', 'health.port=9001,metrics.port=9002,metrics.maxUpgrades=5']),
      'Deployment',
    );
    const text = JSON.stringify(deployment);
    expect(text).toContain('"--health-probe-bind-address=:9001"');
    expect(text).toContain('"--metrics-bind-address=:9002"');
    expect(text).toContain('"--metrics-max-upgrades=5"');
    expect(text.match(/"path":"\/(healthz|readyz)","port":"health"/g)).toHaveLength(3);
  });

  test('a Prometheus to ask: flags, and what they name is mounted', () => {
    const withPrometheus = (set: string) =>
      JSON.stringify(podsOf(ofKind(renderChart(['--set', set]), 'Deployment'))[0]?.spec);
    expect(withPrometheus('prometheus.url=')).not.toContain('prometheus');
    const plain = withPrometheus('prometheus.url=http://prometheus:9090');
    expect(plain).toContain('--prometheus-url=http://prometheus:9090');
    expect(plain).not.toContain('volumeMounts');
    const url = 'prometheus.url=https://prometheus:9090';
    const whole = withPrometheus(`${url},prometheus.tokenSecret.name=token,prometheus.caConfigMap.name=ca`);
    expect(whole).toMatch(/--prometheus-token-file=\/etc\/postcheck\/prometheus-token\/token/);
    expect(whole).toMatch(/--prometheus-ca-file=\/etc\/postcheck\/prometheus-ca\/ca.crt/);
    expect(whole).toMatch(/"mountPath":"\/etc\/postcheck\/prometheus-token".*"secretName":"token"/);
    expect(whole).toMatch(/"mountPath":"\/etc\/postcheck\/prometheus-ca".*"configMap":{"name":"ca"}/);
  });

  test('secured metrics: flags, the mounted Secret, the right to ask, and the scrape that shows a token', () => {
    const secured = (...args: string[]) =>
      renderChart(['--set', 'metrics.secure.enabled=true,metrics.serviceMonitor.enabled=true', ...args]);
    expect(() => secured()).toThrow(/metrics.secure.secretName/);
    const objects = secured('--set', 'metrics.secure.secretName=certs');
    expect(JSON.stringify(ofKind(objects, 'Deployment'))).toMatch(
      /--metrics-secure.*--metrics-cert-path=\/etc\/postcheck\/metrics.*"secretName":"certs"/,
    );
    expect(ofKind(objects, 'ClusterRole').map(({ metadata }) => metadata.name)).toEqual(
      expect.arrayContaining(['postcheck-metrics-auth', 'postcheck-metrics-reader']),
    );
    const [monitor] = ofKind(objects, 'ServiceMonitor');
    expect(monitor).toMatchObject({
      spec: { endpoints: [{ scheme: 'https', tlsConfig: { ca: { secret: { name: 'certs' } } } }] },
    });
    expect(JSON.stringify(renderChart())).not.toContain('tokenreviews');
  });

  test('the notes say what gates pods, and when nothing does', () => {
    const notes = (...args: string[]) => helm(['install', 'postcheck', CHART, '--dry-run=client', ...args]);
    expect(notes()).toMatch(/admission webhook postcheck-gate, except in kube-system and /);
    expect(notes()).toMatch(/This cluster does not serve MutatingAdmissionPolicy/);
    expect(notes('--set', 'gate.carrier=Webhook')).not.toMatch(/does not serve/);
    expect(notes('--set', 'gate.carrier=Policy')).toMatch(
      /NOT GATED: this cluster does not serve MutatingAdmissionPolicy/,
    );
    expect(notes('--set', 'gate.carrier=None')).toMatch(/NOT GATED: gate.carrier is None/);
  });

  describe('the gate is carried by', () => {
    const BETA_API = GATE_API.replace('/v1/', '/v1beta1/');
    const carriers = (args: readonly string[]) =>
      renderChart(args)
        .filter(({ kind }) => /^MutatingAdmissionPolicy$|^MutatingWebhookConfiguration$/.test(kind))
        .map(({ kind, apiVersion }) => `${kind} ${String(apiVersion).split('/')[1]}`);
    const policy = 'MutatingAdmissionPolicy';
    test.each<[string, string[], string[]]>([
      ['Auto', ['--api-versions', GATE_API, '--api-versions', BETA_API], [`${policy} v1`]],
      ['Auto', ['--api-versions', BETA_API], [`${policy} v1beta1`]],
      ['Auto', [], ['MutatingWebhookConfiguration v1']],
      ['Policy', ['--api-versions', GATE_API], [`${policy} v1`]],
      ['Policy', [], []],
      ['Webhook', ['--api-versions', GATE_API], ['MutatingWebhookConfiguration v1']],
      ['None', ['--api-versions', GATE_API], []],
    ])('%s, on a cluster of %j: %j', (carrier, served, expected) => {
      expect(carriers([...served, '--set', `gate.carrier=${carrier}`])).toEqual(expected);
    });
  });

  describe('the webhook', () => {
    const WEBHOOK = ['--set', 'gate.carrier=Webhook,gate.webhook.port=9999'];
    const BY_CERT_MANAGER = [...WEBHOOK, '--set', 'gate.webhook.certManager.enabled=true'];
    const one = (objects: readonly KubeObject[], kind: string, suffix = '') =>
      JSON.stringify(ofKind(objects, kind).filter(({ metadata }) => metadata.name.endsWith(suffix)));

    test('never keeps a pod from being created, waits two seconds, and leaves kube-system and the operator alone', () => {
      const [configuration] = ofKind(
        renderChart([...WEBHOOK, '--set', 'watchNamespaces={shop}']),
        'MutatingWebhookConfiguration',
      );
      expect(configuration?.webhooks).toMatchObject([
        {
          failurePolicy: 'Ignore',
          timeoutSeconds: 2,
          sideEffects: 'None',
          rules: [{ apiGroups: [''], resources: ['pods'], operations: ['CREATE'] }],
          namespaceSelector: {
            matchExpressions: [
              { operator: 'NotIn', values: ['kube-system', 'postcheck-system'] },
              { operator: 'In', values: ['shop'] },
            ],
          },
        },
      ]);
    });

    test('has a port that is opened, called, let in, and told to the operator', () => {
      const objects = renderChart(WEBHOOK);
      const deployment = one(objects, 'Deployment');
      expect(deployment).toContain('"--webhook-bind-address=:9999"');
      expect(deployment).toContain('{"name":"webhook","containerPort":9999}');
      expect(deployment).toContain('"--webhook-host=postcheck-webhook.$(POD_NAMESPACE).svc"');
      expect(one(objects, 'Service', 'webhook')).toContain('"targetPort":"webhook"');
      expect(one(objects, 'NetworkPolicy')).toContain('{"port":"webhook"}');
    });

    test('its rights, its Service and its port are there only where it is', () => {
      const without = renderChart(['--api-versions', GATE_API])
        .filter(({ kind }) => kind !== 'CustomResourceDefinition')
        .map(({ kind, metadata, rules, spec }) => [
          `${kind} ${metadata.name}`,
          JSON.stringify({ rules, spec }),
        ]);
      const webhooks = without.filter((parts) => /"secrets"|webhook/.test(parts.join(' ')));
      expect(webhooks.map(([name]) => name)).toEqual([]);
      const objects = renderChart(WEBHOOK);
      expect(one(objects, 'Role', 'webhook')).toMatch(
        /"resources":\["secrets"\],"resourceNames":\["postcheck-webhook"\],"verbs":\["get","patch"\]/,
      );
      expect(one(objects, 'ClusterRole', 'webhook')).toMatch(
        /"resourceNames":\["postcheck-gate"\],"verbs":\["get","patch"\]/,
      );
      expect(one(objects, 'ClusterRole', 'uninstall')).toMatch(
        /mutatingwebhookconfigurations.*"verbs":\["delete"\]/,
      );
      expect(one(objects, 'Job')).toContain('--webhook-secret=postcheck-webhook');
    });

    test('with cert-manager the operator needs no Secret, and may change nothing', () => {
      const objects = renderChart(BY_CERT_MANAGER);
      expect(ofKind(objects, 'Role').map(({ metadata }) => metadata.name)).not.toContain('postcheck-webhook');
      expect(one(objects, 'ClusterRole', 'webhook')).toContain('"verbs":["get"]');
      expect(ofKind(objects, 'MutatingWebhookConfiguration')[0]?.metadata.annotations).toEqual({
        'cert-manager.io/inject-ca-from': 'postcheck-system/postcheck-webhook',
      });
      expect(one(objects, 'Certificate')).toContain('"dnsNames":["postcheck-webhook.postcheck-system.svc"]');
      expect(one(objects, 'Deployment')).toMatch(
        /--webhook-cert-path=\/etc\/postcheck\/webhook.*"mountPath":"\/etc\/postcheck\/webhook".*"secretName":"postcheck-webhook"/,
      );
      expect(ofKind(objects, 'Issuer').map(({ spec }) => spec)).toEqual([
        { ca: { secretName: 'postcheck-webhook-ca' } },
        { selfSigned: {} },
      ]);
      const issuer = renderChart([
        ...BY_CERT_MANAGER,
        '--set',
        'gate.webhook.certManager.issuerRef.name=corp',
      ]);
      expect(ofKind(issuer, 'Issuer')).toEqual([]);
      expect(ofKind(issuer, 'Certificate')).toMatchObject([{ spec: { issuerRef: { name: 'corp' } } }]);
    });

    test('with secured metrics, both certificates are mounted', () => {
      const metrics = ['--set', 'metrics.secure.enabled=true,metrics.secure.secretName=certs'];
      const deployment = one(renderChart([...BY_CERT_MANAGER, ...metrics]), 'Deployment');
      expect(deployment.match(/"secretName":"[^"]+"/g)).toEqual([
        '"secretName":"certs"',
        '"secretName":"postcheck-webhook"',
      ]);
    });
  });

  test('the notes say when the permissions of authors are not checked', () => {
    const install = ['install', 'postcheck', CHART, '--dry-run=client'];
    expect(helm(install)).toMatch(/Users who write an Upgrade must be allowed to patch its target/);
    expect(helm([...install, '--set', 'authorPolicy.create=false'])).toMatch(
      /AUTHORS ARE NOT CHECKED: authorPolicy.create is false/,
    );
  });

  test('no pod asks for a UID, so that OpenShift can give its own, and each one is as Pod Security "restricted" wants it', () => {
    const pods = podsOf(renderChart());
    expect(pods).toHaveLength(3);
    expect(JSON.stringify(pods)).not.toMatch(/runAsUser|runAsGroup|fsGroup/);
    for (const { spec } of pods) {
      expect(spec['securityContext']).toEqual({
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      expect(spec.containers[0]?.['securityContext']).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
    }
    const set = ['--set', 'podSecurityContext.runAsUser=1000,securityContext.readOnlyRootFilesystem=false'];
    expect(JSON.stringify(podsOf(renderChart(set)))).toMatch(/"runAsUser":1000/);
    expect(JSON.stringify(podsOf(renderChart(set)))).not.toMatch(/"readOnlyRootFilesystem":true/);
  });

  test('rbac.create=false and serviceAccount.create=false leave out every role, binding and account', () => {
    const gate = [
      '--api-versions',
      GATE_API,
      '--set',
      'metrics.secure.enabled=true,metrics.secure.secretName=tls',
    ];
    const of = (...set: string[]) => renderChart([...gate, ...set.flatMap((value) => ['--set', value])]);
    const isRight = ({ kind }: KubeObject) => /Role(Binding)?$/.test(kind);
    expect(of().filter(isRight).length).toBeGreaterThan(10);
    expect(of('rbac.create=false').filter(isRight)).toEqual([]);
    const bare = of('rbac.create=false', 'serviceAccount.create=false', 'serviceAccount.name=mine');
    expect(ofKind(bare, 'ServiceAccount')).toEqual([]);
    expect(podsOf(bare).map(({ spec }) => spec['serviceAccountName'])).toEqual(['mine', 'mine', 'mine']);
    const bound = of('serviceAccount.create=false', 'serviceAccount.name=mine')
      .filter(({ kind }) => /Binding$/.test(kind) && !kind.includes('Policy'))
      .flatMap(({ subjects }) => subjects as { name: string }[]);
    expect(new Set(bound.map(({ name }) => name))).toEqual(new Set(['mine']));
  });

  test('common labels are on every object and on the operator, never in a selector; a name of your own is everywhere', () => {
    const objects = renderChart([
      '--api-versions',
      GATE_API,
      '--set',
      'commonLabels.team=payments,nameOverride=pc',
    ]);
    expect(
      objects.filter(
        ({ metadata }) => (metadata['labels'] as Record<string, string>)?.['team'] !== 'payments',
      ),
    ).toEqual([]);
    const [deployment] = ofKind(objects, 'Deployment');
    expect(deployment?.metadata.name).toBe('postcheck-pc');
    const { selector, template } = (deployment?.['spec'] ?? {}) as Record<string, unknown>;
    expect(JSON.stringify(selector)).not.toContain('team');
    expect(JSON.stringify(template)).toContain('"team":"payments"');
  });

  test('the command line tool finds the operator and its account whatever the release is named', () => {
    const [key, value] = OPERATOR_LABEL.split('=') as [string, string];
    const isMarked = (object: unknown) => (object as KubeObject).metadata.labels?.[key as never] === value;
    const objects = renderChart(['--set', 'nameOverride=pc,fullnameOverride=upgrader']);
    const marked = objects.filter(isMarked);
    expect(marked.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
      'ClusterRoleBinding upgrader-operator',
      'ClusterRoleBinding upgrader-cluster',
    ]);
    const templates = ofKind(objects, 'Deployment').map(
      ({ spec }) => (spec as Record<string, unknown>)['template'],
    );
    expect(templates.map(isMarked)).toEqual([true]);
  });

  test('every pod, hooks included, is pulled and scheduled alike: one that cannot run would keep an uninstall from happening', () => {
    const arm = { key: 'kubernetes.io/arch', operator: 'In', values: ['arm64'] };
    const nodeAffinity = {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [arm] }] },
    };
    const wanted = {
      imagePullSecrets: [{ name: 'mirror' }],
      nodeSelector: { pool: 'infra' },
      tolerations: [{ key: 'infra', operator: 'Exists' }],
      affinity: { nodeAffinity },
      priorityClassName: 'system-cluster-critical',
      dnsPolicy: 'Default',
    };
    const set = Object.entries({ ...wanted, image: { digest: `sha256:${'0'.repeat(64)}` } }).flatMap(
      ([name, value]) => ['--set-json', `${name}=${JSON.stringify(value)}`],
    );
    const pods = podsOf(renderChart(set));
    expect(pods).toHaveLength(3);
    for (const { spec } of pods) {
      expect(spec).toMatchObject(wanted);
      expect(spec.containers[0]?.['image']).toMatch(/@sha256:0+$/);
    }
  });

  test('Services, budget and NetworkPolicy select the operator’s pods, and never a hook’s, which would take their calls', () => {
    const objects = renderChart(['--set', 'gate.carrier=Webhook,replicas=2']);
    interface Selecting {
      readonly selector?: Record<string, unknown> & { readonly matchLabels?: Record<string, string> };
      readonly podSelector?: { readonly matchLabels: Record<string, string> };
    }
    const selectors = objects.flatMap(({ kind, metadata, spec }) => {
      const { selector, podSelector } = (spec ?? {}) as Selecting;
      const labels = selector?.matchLabels ?? podSelector?.matchLabels ?? selector;
      return labels ? [{ what: `${kind} ${metadata.name}`, labels: Object.entries(labels) }] : [];
    });
    expect(selectors.map(({ what }) => what).sort()).toEqual([
      'Deployment postcheck',
      'NetworkPolicy postcheck',
      'PodDisruptionBudget postcheck',
      'Service postcheck-metrics',
      'Service postcheck-webhook',
    ]);
    const pods = objects.flatMap(({ kind, metadata, spec }) => {
      const { template } = (spec ?? {}) as { template?: { metadata: { labels: Record<string, string> } } };
      const labels = template?.metadata.labels ?? (kind === 'Pod' ? metadata['labels'] : undefined);
      return labels ? [{ kind, labels: labels as Record<string, string> }] : [];
    });
    expect(pods.map(({ kind }) => kind).sort()).toEqual(['Deployment', 'Job', 'Pod']);
    for (const { labels } of selectors) {
      const selected = pods.filter((pod) => labels.every(([name, value]) => pod.labels[name] === value));
      expect(selected.map(({ kind }) => kind)).toEqual(['Deployment']);
    }
  });

  test('further flags stand last, further variables and objects are taken over', () => {
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: '{{ .Release.Name }}-extra' } };
    const text = 'apiVersion: v1\nkind: Secret\nmetadata: {name: text}';
    const objects = renderChart([
      '--set',
      'extraArgs={--log-format=text},extraEnv[0].name=HTTPS_PROXY,extraEnv[0].value=http://proxy.infra:3128',
      '--set-json',
      `extraObjects=${JSON.stringify([map, text])}`,
    ]);
    expect(operatorOf(objects)?.args?.at(-1)).toBe('--log-format=text');
    const proxy = { name: 'HTTPS_PROXY', value: 'http://proxy.infra:3128' };
    expect(operatorOf(objects)?.['env']).toEqual([expect.objectContaining({ name: 'POD_NAMESPACE' }), proxy]);
    const [uninstall] = podsOf(ofKind(objects, 'Job'));
    expect(uninstall?.spec.containers[0]?.['env']).toEqual([proxy]);
    const names = ['ConfigMap', 'Secret'].flatMap((kind) => ofKind(objects, kind));
    expect(names.map(({ metadata }) => metadata.name)).toEqual(['postcheck-extra', 'text']);
  });

  test('the NetworkPolicy lets in metrics and health, and with egress out to the API server and to watched pods', () => {
    const policy = (...set: string[]) =>
      ofKind(
        renderChart(['gate.carrier=None', ...set].flatMap((value) => ['--set', value])),
        'NetworkPolicy',
      )[0]?.['spec'];
    const ingress = [{ ports: [{ port: 'metrics' }] }, { ports: [{ port: 'health' }] }];
    expect(policy()).toMatchObject({ policyTypes: ['Ingress'], ingress });
    expect(policy('networkPolicy.enabled=false')).toBeUndefined();
    const egress = policy(
      'networkPolicy.egress.enabled=true',
      'networkPolicy.egress.apiServerBlocks={10.0.0.1/32}',
      'watchNamespaces={shop}',
    );
    expect(egress).toMatchObject({
      policyTypes: ['Ingress', 'Egress'],
      egress: [
        { ports: [{ port: 443 }, { port: 6443 }], to: [{ ipBlock: { cidr: '10.0.0.1/32' } }] },
        { to: [{ namespaceSelector: { matchExpressions: [{ values: ['shop'] }] } }] },
      ],
    });
    const from = policy('networkPolicy.metricsFrom[0].podSelector.matchLabels.app=prometheus');
    expect(from).toMatchObject({ ingress: [{ from: [{ podSelector: {} }] }, ingress[1]] });
    const webhookFrom = (carrier: string) =>
      policy(`gate.carrier=${carrier}`, 'networkPolicy.webhookFrom[0].ipBlock.cidr=10.0.0.9/32');
    const webhook = { ports: [{ port: 'webhook' }], from: [{ ipBlock: { cidr: '10.0.0.9/32' } }] };
    expect(webhookFrom('Webhook')).toMatchObject({ ingress: [...ingress, webhook] });
    expect(webhookFrom('None')).toMatchObject({ ingress });
  });

  test('the CRD is the one of crds/, with the labels of the release', () => {
    const [crd] = ofKind(renderChart(), 'CustomResourceDefinition');
    const plain = parse(readFileSync(join(CHART, '../../crds/postcheck.dev_upgrades.yaml'), 'utf8'));
    expect(crd?.['spec']).toEqual(plain.spec);
    expect(crd?.metadata).toMatchObject({
      ...plain.metadata,
      labels: { 'app.kubernetes.io/instance': 'postcheck' },
    });
  });

  test('SECURITY.md lists exactly the rights of the operator', () => {
    interface Rule {
      readonly resources: readonly string[];
      readonly verbs: readonly string[];
    }
    const granted = renderChart()
      .filter(
        ({ kind, metadata }) =>
          /Role$/.test(kind) && /^postcheck-(operator|cluster|lease|webhook)$/.test(metadata.name),
      )
      .flatMap(({ rules }) => rules as Rule[])
      .flatMap(({ resources, verbs }) =>
        resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`)),
      );
    const rows = readFileSync(join(CHART, '../../SECURITY.md'), 'utf8').matchAll(
      /^\| (`.+?) \| ([^|]+) \|[^|]+\|$/gm,
    );
    const listed = [...rows].flatMap(([, resources = '', verbs = '']) =>
      [...resources.matchAll(/`([^`]+)`/g)].flatMap(([, resource]) =>
        [...verbs.matchAll(/\b(get|list|watch|create|patch|update|delete)\b/g)].map(
          ([verb]) => `${verb} ${resource}`,
        ),
      ),
    );
    expect(listed.sort()).toEqual(granted.sort());
  });

  test('no role reaches for Secrets, wildcards or the right to escalate', () => {
    const roles = renderChart(['--api-versions', GATE_API]).filter(({ kind }) => /Role$/.test(kind));
    const rules = roles.flatMap(
      ({ rules }) => rules as { apiGroups: string[]; resources: string[]; verbs: string[] }[],
    );
    const words = rules.flatMap((rule) => [...rule.apiGroups, ...rule.resources, ...rule.verbs]);
    expect(words.filter((word) => /\*|secrets|configmaps|escalate|impersonate|^bind$/.test(word))).toEqual(
      [],
    );
    expect(rules.length).toBeGreaterThan(10);
  });
});
