/** The fuzzed requests as bytes on real connections. FUZZ_SEED and FUZZ_RUNS as for fuzz.test.ts. */
import { provider } from '../harness/database.ts'
import { fuzz } from './fuzz-suite.ts'

fuzz({ kind: 'wire', databases: [{ provider, skip: false }], seed: 21, runs: 20 })
