/**
 * Requests made from openapi.json, valid and broken, against the whole service on each database: the document declares
 * every response, nothing is a fault of the service, and nothing suffers from it.
 *
 * The seed is fixed, so that what makes the test fail is a change; the soak draws its own. With FUZZ_RUNS (each some
 * requests at once) it is random too. A failure prints what replays it: `FUZZ_SEED=7 FUZZ_RUNS=3000 node dist/test/system/long/fuzz.test.js`.
 */
import { fuzz } from '../../adversarial/fuzz-suite.ts'
import { providers } from '../../harness/database.ts'

fuzz({ kind: 'inject', databases: providers, seed: 21, runs: 520 })
