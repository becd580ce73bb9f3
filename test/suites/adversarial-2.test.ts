import { runTogether } from '../harness/suite.ts'

await runTogether(['adversarial'], { part: 1, of: 2 })
