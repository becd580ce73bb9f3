/**
 * More than ten thousand fuzzed requests on each database, by a seed that is printed. So many also show a leak of
 * 1 KiB a request. FUZZ_SEED and FUZZ_RUNS as for fuzz.test.ts.
 */
import { fuzz } from '../../adversarial/fuzz-suite.ts'
import { providers } from '../../harness/database.ts'

fuzz({ kind: 'inject', databases: providers, runs: 2500 })
