import { runTogether } from '../harness/suite.ts'

await runTogether(['api/accounts', 'api/sessions', 'api/journeys'], { part: 1, of: 2 })
