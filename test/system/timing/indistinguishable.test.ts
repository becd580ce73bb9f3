/** A hundred logins for each state of an address, at the hash cost of production. */
import { testLoginTiming } from './indistinguishable.ts'

// By chance an area is off by 0.041 (standard error): five times that, twice, is not chance.
testLoginTiming({ pairs: 100, bound: 0.2 })
