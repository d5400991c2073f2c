// Run with `node_modules/.bin/asp --verbose` on the Node that npm scripts use (24).
// as-pect 8.1 with AssemblyScript 0.28.20 compares primitives, strings and arrays of them; everything else is tested with vitest.
export default {
  entries: ["sdk/**/*.spec.ts", "assembly/**/*.spec.ts"],
  include: [],
  disclude: [/node_modules/],
  async instantiate(memory, createImports, instantiate, binary) {
    return instantiate(binary, createImports({ env: { memory } }));
  },
  outputBinary: false,
};
