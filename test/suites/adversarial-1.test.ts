import { runTogether } from '../harness/suite.ts'

await runTogether(['adversarial'], { part: 0, of: 2 })
