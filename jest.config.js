// Native ESM: the client library and p-retry are ES modules only. swc strips the types; `make check` runs the type checker.
export default {
  testEnvironment: './test/support/plain-global.ts',
  // A bound for what hangs. Nothing is measured by it: on a machine that does much else, a test may take ten times its time.
  testTimeout: 60_000,
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2024', parser: { syntax: 'typescript' } }, module: { type: 'es6' } },
    ],
  },
  globalSetup: './test/support/temporary-folder.ts',
  globalTeardown: './test/support/temporary-folder-end.ts',
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/', '/\\.cluster/'],
  modulePathIgnorePatterns: ['/dist/', '/\\.cluster/'],
};
