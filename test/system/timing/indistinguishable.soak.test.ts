/** A thousand pairs on each database, on an otherwise idle machine. */
import { providers } from '../../harness/database.ts'
import { testLoginTiming, testTiming } from './indistinguishable.ts'
import { BOUND } from './verdict.ts'

// By chance an area is off by 0.013 (standard error): beyond the bound once in 9,000 measurements.
testTiming({ pairs: 1000, bound: BOUND, databases: providers })
testLoginTiming({ pairs: 1000, bound: BOUND })
