import { runTogether } from '../harness/suite.ts'

await runTogether(['api/mail', 'api/process'])
