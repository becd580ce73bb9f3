/**
 * Requests generated from operators.json against the operators' listener on each database; see fuzz.test.ts.
 */
import { fuzz } from '../../adversarial/fuzz-suite.ts'
import { providers } from '../../harness/database.ts'

fuzz({ kind: 'inject', audience: 'operators', databases: providers, seed: 21, runs: 260 })
