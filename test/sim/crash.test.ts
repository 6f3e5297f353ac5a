import { describe, expect, test } from '@jest/globals';
import { addFigure } from '../support/figures.ts';
import * as stories from './stories.ts';
import { KINDS, swept } from './stories.ts';
import { sweep } from './sweep.ts';

describe.each(KINDS)('an operator that dies while it upgrades a %s', (kind) => {
  test.each(swept(kind).map((story) => [story.name, story] as const))(
    'ends every plan of "%s" as the run without a crash, wherever and however it is cut',
    async (_name, story) => {
      const { plans, of, failures } = await sweep(story, 1);
      addFigure('crashPlans', plans);
      addFigure('crashExisting', of);
      expect(failures).toEqual([]);
      expect(of).toBeGreaterThan(25);
    },
    300_000,
  );
});

describe('an operator that dies while users and rivals meddle', () => {
  const meddled = [
    stories.superseded('Deployment'),
    stories.supersededInFallback('StatefulSet'),
    stories.retriedAfterFallback('DaemonSet'),
    stories.pausedAndResumed('Deployment'),
    stories.abortedWhile('Upgrading', 'StatefulSet'),
    stories.foreignChange('StatefulSet Parallel'),
    stories.upgradeDeleted('StatefulSet'),
    stories.deletedWhileHeld('Deployment'),
    stories.deletedWhilePaused('DaemonSet'),
    stories.fallbackFailsToo('StatefulSet'),
    stories.withFallback('None', 'DaemonSet'),
    stories.slippedPod('Auto'),
    stories.mirrored('StatefulSet'),
    stories.pinned('Deployment'),
    stories.mirroredAlready('DaemonSet'),
    stories.setBack('Deployment'),
    stories.sameSecond('Deployment'),
    stories.sameSecond('StatefulSet'),
  ];

  test.each(meddled.map((story) => [story.name, story] as const))(
    'ends every plan of "%s" as the run without a crash',
    async (_name, story) => {
      const { plans, of, failures } = await sweep(story, 1);
      addFigure('crashPlans', plans);
      addFigure('crashExisting', of);
      expect(failures).toEqual([]);
      expect(of).toBeGreaterThan(10);
    },
    300_000,
  );
});
