/**
 * Requests generated from openapi.json, valid and invalid, against the whole service on each database: the document
 * declares every response, no response is an internal error, and no request harms the service.
 *
 * The seed is fixed, so that a failure is caused by a change; the soak draws a random one. With FUZZ_RUNS (each
 * several parallel requests) it is random too. A failure prints the command that replays it: `FUZZ_SEED=7
 * FUZZ_RUNS=3000 node dist/test/system/long/fuzz.test.js`.
 */
import { fuzz } from '../../adversarial/fuzz-suite.ts'
import { providers } from '../../harness/database.ts'

fuzz({ kind: 'inject', databases: providers, seed: 21, runs: 520 })
