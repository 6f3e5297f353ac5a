import { describe, expect, test } from '@jest/globals';
import { type Attributes, explain } from './explain.ts';

const nodes = (count: number, attributes: Attributes): Attributes[] => Array(count).fill(attributes);
const ZONE = 'topology.kubernetes.io/zone';

describe('what explains failures', () => {
  test('is a label that all failed pods have in common, and no verified pod', () => {
    const failed = nodes(3, { asic: 'td3', ring: 'a' });
    const verified = [...nodes(20, { asic: 'th4', ring: 'a' }), ...nodes(18, { asic: 'th3', ring: 'b' })];
    expect(explain({ failed, verified }, ['ring', 'asic'])).toEqual([
      { label: 'asic', value: 'td3', failed: 3, verified: 38 },
    ]);
  });

  test('is not what one verified pod has too, nor what one failed pod lacks', () => {
    expect(
      explain({ failed: nodes(3, { asic: 'td3' }), verified: nodes(1, { asic: 'td3' }) }, ['asic']),
    ).toEqual([]);
    const failed = [...nodes(2, { asic: 'td3' }), {}];
    expect(explain({ failed, verified: nodes(5, { asic: 'th4' }) }, ['asic'])).toEqual([]);
  });

  test('is no label that no node has', () => {
    expect(explain({ failed: nodes(2, {}), verified: nodes(2, {}) }, ['asic'])).toEqual([]);
  });

  test('is a default label only with several failed pods: a single one differs in some by chance', () => {
    const verified = nodes(5, { [ZONE]: 'a', kernel: '6.1' });
    expect(explain({ failed: nodes(1, { [ZONE]: 'b' }), verified }, [])).toEqual([]);
    expect(explain({ failed: nodes(2, { [ZONE]: 'b', kernel: '5.10' }), verified }, [])).toEqual([
      { label: ZONE, value: 'b', failed: 2, verified: 5 },
      { label: 'kernel', value: '5.10', failed: 2, verified: 5 },
    ]);
    expect(explain({ failed: nodes(1, { [ZONE]: 'b' }), verified }, [ZONE])).toHaveLength(1);
  });

  test('is nothing where no pod is verified to compare with', () => {
    expect(explain({ failed: nodes(3, { asic: 'td3' }), verified: [] }, ['asic'])).toEqual([]);
  });

  test('is no name that every object inherits', () => {
    expect(explain({ failed: nodes(2, {}), verified: nodes(2, {}) }, ['constructor'])).toEqual([]);
  });
});
