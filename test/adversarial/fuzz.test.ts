/**
 * Requests made from openapi.json, valid and broken, against the whole service: every answer is one that
 * the document declares, nothing is a fault of the service, and nothing suffers from it.
 *
 * These few are the same each time, so that what makes them fail is a change; test/system/long sends many.
 * FUZZ_RUNS is another number of runs (each some requests at once), by chance unless FUZZ_SEED is set; a failure
 * prints both: `FUZZ_SEED=7 FUZZ_RUNS=3000 node dist/test/adversarial/fuzz.test.js`.
 */
import { provider } from '../harness/database.ts'
import { fuzz } from './fuzz-suite.ts'

fuzz({ kind: 'inject', databases: [{ provider, skip: false }], seed: 21, runs: 40 })
