import { runTogether } from '../harness/suite.ts'

await runTogether(['api/accounts', 'api/journeys'], { part: 0, of: 2 })
