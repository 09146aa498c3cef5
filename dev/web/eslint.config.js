// What the type check does not see: dead code, surprises, and what the content policy would stop anyway.

const browser = ['window', 'document', 'navigator', 'location', 'fetch', 'localStorage', 'EventSource', 'BroadcastChannel', 'AbortController', 'AbortSignal', 'Headers', 'URL', 'URLSearchParams', 'Response', 'FormData', 'RequestInit', 'Element', 'HTMLElement', 'HTMLAnchorElement', 'HTMLInputElement', 'HTMLDialogElement', 'HTMLDivElement', 'SVGElement', 'Node', 'Event', 'MouseEvent', 'KeyboardEvent', 'SubmitEvent', 'ClipboardEvent', 'PointerEvent', 'ResizeObserver', 'MutationObserver', 'performance', 'requestAnimationFrame', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'getComputedStyle', 'matchMedia', 'crypto', 'console'];

const rules = {
  'no-undef': 'error',
  'no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
  'no-var': 'error',
  'prefer-const': 'error',
  'prefer-template': 'error',
  'object-shorthand': 'error',
  eqeqeq: ['error', 'always', { null: 'ignore' }],
  'no-eval': 'error',
  'no-implied-eval': 'error',
  'no-new-func': 'error',
  'no-console': 'error',
  'no-shadow': 'error',
  'no-return-assign': ['error', 'except-parens'],
  'no-unreachable': 'error',
  'no-fallthrough': 'error',
  'no-dupe-keys': 'error',
  'no-self-compare': 'error',
  'no-unsafe-optional-chaining': 'error',
  'array-callback-return': 'error',
  'max-lines': ['error', { max: 230, skipBlankLines: true, skipComments: true }],
  'no-restricted-properties': ['error', { property: 'innerHTML', message: 'texts are shown as text' }, { property: 'outerHTML', message: 'texts are shown as text' }, { property: 'insertAdjacentHTML', message: 'texts are shown as text' }],
  'no-restricted-syntax': ['error', { selector: "Property[key.name='dangerouslySetInnerHTML']", message: 'texts are shown as text' }, { selector: "TemplateElement[value.raw=/dangerouslySetInnerHTML/]", message: 'texts are shown as text' }],
};

// Run from the top folder: `eslint --config dev/web/eslint.config.js api/web/app dev/web`.
export default [
  { ignores: ['**/node_modules/**', '**/generated/**'] },
  { files: ['**/*.js'], languageOptions: { ecmaVersion: 2025, sourceType: 'module' }, linterOptions: { reportUnusedDisableDirectives: 'error' }, rules },
  { files: ['api/web/app/**/*.js'], languageOptions: { globals: Object.fromEntries(browser.map((name) => [name, 'readonly'])) } },
  { files: ['dev/web/**/*.js'], languageOptions: { globals: { process: 'readonly', URL: 'readonly' } } },
  // A dictionary is one list.
  { files: ['api/web/app/words/*.js'], rules: { 'max-lines': 'off' } },
];
