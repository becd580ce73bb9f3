/** Holds a service against the model, in a thread of its own. */
import { answerFromThread } from '../../harness/thread.ts'
import { check } from './check.ts'

await answerFromThread(check)
