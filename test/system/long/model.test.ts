/**
 * A model against the real service. Random commands do everything that can be done to two or three addresses,
 * sequentially or in parallel, while the clock moves. A small model (test/adversarial/model) predicts the outcome.
 *
 * After each step the run checks: the response, the emails, the rows, the password of the stored hash, the refresh
 * token of each session, the history (which only grows), and everything that can be tried without using it up: access
 * tokens, reset links by their check, confirmation links and links to another address with a wrong password, tokens
 * of a change and of a request with a password that the policy rejects, notices with a wrong address. At the end of a
 * run, since this uses them up or leaves traces, it tries every password at every address, and random codes, links,
 * notices and refresh tokens.
 *
 * For parallel commands the model accepts whatever some order of them explains, with emails in between.
 *
 * The seed is fixed, so that a failure is caused by a change; the soak draws a random one. With MODEL_RUNS, the
 * number of runs, it is random too. A failure prints MODEL_SEED, MODEL_PATH and MODEL_REPLAY, which replay it when
 * the environment of this file holds all three. A failure that depends on the timing of parallel commands may need
 * several attempts.
 */
import { compareWithModel } from '../../adversarial/model/suite.ts'
import { providers } from '../../harness/database.ts'

compareWithModel({ databases: providers, seed: 21, runs: 60 })
