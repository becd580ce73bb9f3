import { runTogether } from '../harness/suite.ts'

await runTogether(['api/accounts', 'api/journeys'], { part: 1, of: 2 })
