import tseslint from "typescript-eslint";

/** Written in AssemblyScript: the language of the filters, close to TypeScript but not a subset of it. */
const assemblyScript = [
  "sdk/**/*.ts",
  "assembly/**/*.ts",
  "examples/**/filter.ts",
  "examples/tcp-sniffing/*.ts",
  "bench/{ours,hand,peer}/*.ts",
];
const tests = ["**/*.test.ts"];

export default tseslint.config(
  { ignores: ["**/node_modules/", "**/build/", "**/*.json"] },
  {
    files: ["**/*.ts", "**/*.mjs", "**/*.js"],
    extends: [tseslint.configs.recommended],
    rules: {
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", ignoreRestSiblings: true }],
      "@typescript-eslint/no-non-null-assertion": "off",
      eqeqeq: ["error", "always"],
    },
  },
  {
    files: assemblyScript,
    ignores: tests,
    languageOptions: { parserOptions: { allowInvalidAST: true } },
    rules: {
      eqeqeq: "off",
      "@typescript-eslint/ban-ts-comment": "off",
      "@typescript-eslint/no-namespace": "off",
      "@typescript-eslint/no-unused-vars": "off",
      "prefer-const": "error",
    },
  },
);
