/** A hundred kills (SIGKILL) on each database; kills/run.ts says what holds after each. */
import { killRepeatedly } from './kills/run.ts'

killRepeatedly({ kills: 100 })
