import { runTogether } from '../harness/suite.ts'

await runTogether([
  'api/http',
  'api/counters',
  'api/jobs',
  'api/pages',
  'api/docs',
  'api/client',
  'api/operators',
])
