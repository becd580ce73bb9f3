/**
 * More than ten thousand fuzzed requests on each database, with a printed seed. That many also reveal a leak of 1 KiB
 * per request. FUZZ_SEED and FUZZ_RUNS as for fuzz.test.ts.
 */
import { fuzz } from '../../adversarial/fuzz-suite.ts'
import { providers } from '../../harness/database.ts'

fuzz({ kind: 'inject', databases: providers, runs: 2500 })
