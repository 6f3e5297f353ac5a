/**
 * Jest's environment of Node, with a global object of V8's own. Jest's is a proxy: each `Object`, `Map` or `Date` in the code under test is then a call
 * of a function, a quarter of what the simulation costs.
 */
import vm from 'node:vm';
import { TestEnvironment } from 'jest-environment-node';

// biome-ignore lint/style/noDefaultExport: jest makes it
export default class PlainGlobal extends TestEnvironment {
  constructor(...given: ConstructorParameters<typeof TestEnvironment>) {
    const { createContext } = vm;
    // The constructor of the environment makes the context, and takes no other one.
    vm.createContext = () => createContext(vm.constants.DONT_CONTEXTIFY);
    try {
      super(...given);
    } finally {
      vm.createContext = createContext;
    }
  }
}
