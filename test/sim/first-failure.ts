/** A reporter for jest that prints the first test that fails, or the suite that cannot run, and ends the run there. */
import { writeSync } from 'node:fs';
import type { Reporter } from '@jest/reporters';

function end(told: Readonly<Record<string, string>>): never {
  writeSync(1, JSON.stringify(told));
  process.exit(1);
}

// biome-ignore lint/style/noDefaultExport: jest takes a reporter from there
export default class FirstFailure implements Partial<Reporter> {
  onTestCaseResult: Reporter['onTestCaseResult'] = ({ path }, { status, fullName }) => {
    if (status === 'failed') {
      end({ file: path, test: fullName });
    }
  };

  onTestResult: Reporter['onTestResult'] = ({ path }, { testExecError }) => {
    if (testExecError) {
      end({ file: path, broken: testExecError.message });
    }
  };
}
