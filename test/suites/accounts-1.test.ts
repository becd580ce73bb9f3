import { runTogether } from '../harness/suite.ts'

await runTogether(['api/accounts', 'api/sessions', 'api/journeys'], { part: 0, of: 2 })
