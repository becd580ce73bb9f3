/** Thousands of fuzzed requests as bytes on real connections, on each database; see fuzz.test.ts. */
import { fuzz } from '../../adversarial/fuzz-suite.ts'
import { providers } from '../../harness/database.ts'

fuzz({ kind: 'wire', databases: providers, runs: 600 })
