/** Holds a service against the model, in a process of its own. */
import { answerFromFork } from '../../harness/fork.ts'
import { check } from './check.ts'

await answerFromFork(check)
