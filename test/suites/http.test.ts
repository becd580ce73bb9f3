import { runTogether } from '../harness/suite.ts'

await runTogether(['api/http', 'api/jobs', 'api/pages', 'api/docs', 'api/client', 'api/operators'])
