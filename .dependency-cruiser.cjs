const core = '^src/(auth|brands|consents|players|delivery)/';
const doors =
  '^src/(ukgc-consents|reconciliation|universal-consent|policy-consent|personal-details|unsubscribe|admin)/';
const ground = '^src/(database|common|config|health|pages)/';

/** The floors of the house: doors on core, core on ground; see docs/decisions/0001-architecture.md. */
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-door-to-door',
      severity: 'error',
      from: {
        path: '^src/(ukgc-consents|reconciliation|universal-consent|policy-consent|personal-details|unsubscribe|admin)/',
      },
      to: { path: doors, pathNot: '^src/$1/' },
    },
    { name: 'core-knows-no-door', severity: 'error', from: { path: core }, to: { path: doors } },
    {
      name: 'ground-knows-no-core',
      severity: 'error',
      from: { path: ground },
      to: { path: `${core}|${doors}` },
    },
    {
      name: 'common-is-a-leaf',
      severity: 'error',
      from: { path: '^src/common/' },
      to: { path: '^src/(?!common/|config/)' },
    },
    {
      name: 'config-is-a-leaf',
      severity: 'error',
      from: { path: '^src/config/' },
      to: { path: '^src/(?!config/)' },
    },
    { name: 'no-barrels', severity: 'error', from: {}, to: { path: '^src/.*/index\\.ts$' } },
    {
      name: 'no-tests-in-source',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.spec\\.ts$' },
      to: { path: '^(test|bench)/|\\.spec\\.ts$' },
    },
    {
      name: 'no-development-dependencies',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.spec\\.ts$' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, path: '^src/', pathNot: '(main|write-openapi)\\.ts$' },
      to: {},
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
