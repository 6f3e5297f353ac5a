/** After the tests of a run: what is left of them in the temporary folder goes. */
// biome-ignore lint/style/noDefaultExport: jest calls it
export { teardown as default } from './temporary-folder.ts';
