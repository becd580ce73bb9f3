import { runTogether } from '../harness/suite.ts'

await runTogether(['api/passwords', 'api/database'])
