/** A hundred pairs on SQLite: enough to see a hash or a query that only some addresses cost, on any machine. */
import { providers } from '../../harness/database.ts'
import { holdTiming } from './indistinguishable.ts'

// By chance alone an area is off by 0.041 (standard error): five times as much, twice, is no chance.
holdTiming({
  pairs: 100,
  bound: 0.2,
  quiet: false,
  databases: providers.filter(({ provider }) => provider === 'sqlite'),
})
