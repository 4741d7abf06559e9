// Rules for the site's scripts. Run by lint_scripts.py with the file of ESLint and the scripts.
"use strict";
const { readFileSync } = require("fs");

// What ESLint recommends, but for what TypeScript finds too: names that are unknown or unused.
const MISTAKES = [
  "constructor-super", "for-direction", "getter-return", "no-async-promise-executor",
  "no-case-declarations", "no-class-assign", "no-compare-neg-zero", "no-cond-assign",
  "no-const-assign", "no-constant-binary-expression", "no-constant-condition",
  "no-control-regex", "no-debugger", "no-delete-var", "no-dupe-args", "no-dupe-class-members",
  "no-dupe-else-if", "no-dupe-keys", "no-duplicate-case", "no-empty", "no-empty-character-class",
  "no-empty-pattern", "no-ex-assign", "no-extra-boolean-cast", "no-fallthrough", "no-func-assign",
  "no-global-assign", "no-import-assign", "no-invalid-regexp", "no-irregular-whitespace",
  "no-loss-of-precision", "no-misleading-character-class", "no-new-native-nonconstructor",
  "no-obj-calls", "no-octal", "no-prototype-builtins", "no-regex-spaces", "no-self-assign",
  "no-setter-return", "no-shadow-restricted-names", "no-sparse-arrays", "no-this-before-super",
  "no-unexpected-multiline", "no-unreachable", "no-unsafe-finally", "no-unsafe-negation",
  "no-unsafe-optional-chaining", "no-unused-labels", "no-useless-backreference",
  "no-useless-catch", "no-useless-escape", "no-with", "require-yield", "use-isnan", "valid-typeof",
];

// How the scripts are written: what is not said twice, and nothing that surprises.
const STYLE = [
  "array-callback-return", "eqeqeq", "no-alert",
  "no-eval", "no-extend-native", "no-extra-bind", "no-implied-eval", "no-lonely-if",
  "no-new-func", "no-new-wrappers", "no-self-compare", "no-sequences",
  "no-throw-literal", "no-unneeded-ternary",
  "no-unreachable-loop", "no-unused-expressions", "no-useless-call", "no-useless-computed-key",
  "no-useless-concat", "no-useless-constructor", "no-useless-rename", "no-useless-return",
  "no-var", "operator-assignment", "prefer-arrow-callback", "prefer-const",
  "prefer-object-has-own", "prefer-object-spread", "prefer-promise-reject-errors",
  "prefer-rest-params", "prefer-spread", "symbol-description",
];

const [file, ...scripts] = process.argv.slice(2);
const { Linter } = require(file);
const linter = new Linter();
const rules = Object.fromEntries([...MISTAKES, ...STYLE].map((rule) => [rule, "error"]));
const config = [{ languageOptions: { ecmaVersion: 2022, sourceType: "script" }, rules }];
let found = 0;
for (const script of scripts) {
  for (const { line, column, ruleId, message } of linter.verify(readFileSync(script, "utf8"), config)) {
    console.log(`${script}:${line}:${column}: ${ruleId ?? "syntax"}: ${message}`);
    found++;
  }
}
console.log(found ? `${found} found` : "Scripts: all checks passed.");
process.exitCode = found ? 1 : 0;
