/** Some thousand fuzzed requests on each database, by a seed that is printed; see test/adversarial/fuzz.test.ts. */
import { fuzz } from '../../adversarial/fuzz-suite.ts'
import { providers } from '../../harness/database.ts'

fuzz({ kind: 'inject', databases: providers, runs: 520 })
