/** A hundred logins of each kind of address, at the cost of a hash in production. */
import { holdLoginTiming } from './indistinguishable.ts'

// By chance alone an area is off by 0.041 (standard error): five times as much, twice, is no chance.
holdLoginTiming({ pairs: 100, bound: 0.2 })
