/** A hundred logins for each state of an address, at the hash cost of production. */
import { holdLoginTiming } from './indistinguishable.ts'

// By chance an area is off by 0.041 (standard error): five times that, twice, is not chance.
holdLoginTiming({ pairs: 100, bound: 0.2 })
