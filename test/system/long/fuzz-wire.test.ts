/** Fuzzed requests as bytes on real connections, on each database. FUZZ_SEED and FUZZ_RUNS as for fuzz.test.ts. */
import { fuzz } from '../../adversarial/fuzz-suite.ts'
import { providers } from '../../harness/database.ts'

fuzz({ kind: 'wire', databases: providers, seed: 21, runs: 200 })
