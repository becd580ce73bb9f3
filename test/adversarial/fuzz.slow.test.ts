/**
 * More than ten thousand fuzzed requests on each database, both side by side, by chance, from a seed that is
 * printed. So many also prove that nothing is kept of a request: a leak of 1 KiB for each would be seen.
 * FUZZ_SEED and FUZZ_RUNS as for fuzz.test.ts.
 */
import { providers } from '../harness/database.ts'
import { fuzz } from './fuzz-suite.ts'

fuzz({ kind: 'inject', databases: providers, runs: 2500 })
