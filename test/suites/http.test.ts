import { runTogether } from '../harness/suite.ts'

await runTogether(['api/http', 'api/pages', 'api/tokens', 'api/docs'])
