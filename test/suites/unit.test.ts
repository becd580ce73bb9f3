import { runTogether } from '../harness/suite.ts'

await runTogether(['unit'])
