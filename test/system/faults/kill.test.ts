/** A few kills (SIGKILL) on each database; kills/run.ts lists what holds after each. */
import { killRepeatedly } from './kills/run.ts'

killRepeatedly({ kills: 5 })
