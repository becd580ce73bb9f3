/**
 * Thousands of fuzzed requests as bytes on real connections, by chance, from a seed that is printed; on each
 * database, both side by side. FUZZ_SEED and FUZZ_RUNS as for fuzz.test.ts.
 */
import { providers } from '../harness/database.ts'
import { fuzz } from './fuzz-suite.ts'

fuzz({ kind: 'wire', databases: providers, runs: 600 })
