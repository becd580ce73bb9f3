// Compares services with the model, one after another, in a separate process.
import { answerFromFork } from '../../harness/fork.ts'
import { type Checked, type CheckOptions, check } from './check.ts'

await answerFromFork(async (t, all: CheckOptions[]) => {
  const checked: Checked[] = []
  for (const options of all) checked.push(await check(t, options))
  return checked
})
