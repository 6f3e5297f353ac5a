/** The Kubernetes versions of the test cluster, as they are pinned in kubernetes/. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const SOURCES = join(import.meta.dirname, 'kubernetes');
const versions = readdirSync(SOURCES);

test.each(versions)('%s is one release: every library of Kubernetes is that of the same patch', (version) => {
  const text = readFileSync(join(SOURCES, version, 'go.mod'), 'utf8');
  const [, release = ''] =
    /k8s\.io\/kubernetes v1\.(\d+\.\d+)$/m.exec(text.replaceAll(' // indirect', '')) ?? [];
  expect(`1.${release.split('.')[0]}`).toBe(version);
  const libraries = [...text.matchAll(/^\t(k8s\.io\/\S+) => (\S+) v0\.(\d+\.\d+)$/gm)];
  expect(libraries.length).toBeGreaterThan(30);
  expect(libraries.filter(([, name, by, patch]) => name !== by || patch !== release)).toEqual([]);
});

test('the version that tests use by default is there', () => {
  const common = readFileSync(join(import.meta.dirname, 'lib/common.sh'), 'utf8');
  const [, version] = /^kubernetes=.*\|\| echo (\S+)\)\}$/m.exec(common) ?? [];
  expect(versions).toContain(version);
});
