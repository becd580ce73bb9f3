/**
 * The process is killed (SIGKILL) a hundred times on one PostgreSQL database, at moments that a seed draws, in
 * the middle of a start or of a mixed load. After each kill the rows contradict each other nowhere; what was
 * acknowledged is there; what had no answer happened whole or not at all; every mail comes in the end, twice
 * only where a process died with it in hand.
 *
 * What it does not show is a machine that loses power: what a killed process has written, the system still has.
 *
 * FAULT_KILLS is the number of kills, FAULT_SEED draws the same moments again.
 */
import t from 'tap'
import { providers } from '../../harness/database.ts'
import { killAgainAndAgain } from './kills/run.ts'

t.setTimeout(0)

for (const { provider, skip } of providers) {
  if (provider !== 'postgresql') continue
  t.test('PostgreSQL: killed again and again, it keeps its word', { skip, timeout: 0 }, t =>
    killAgainAndAgain(t, provider),
  )
}
