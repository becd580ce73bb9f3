/**
 * A model against the real service. Random commands do everything that can be done to two or three addresses, one after
 * another or several at once, while the clock moves. A small model (test/adversarial/model) says what must come of it.
 *
 * After each step the run checks: the response, the mails that were sent, the rows, which password the stored hash is
 * of, the refresh token of each session, the history (which only grows), and whatever can be tried without spending it:
 * access tokens, reset links by their check, confirmation links and links to another address with a wrong password,
 * tokens of a change and of a request with a password that the policy refuses, notices with an address that is not
 * theirs. At the end of a run, since it spends something or leaves a trace, it tries every password at every address,
 * and random codes, links, notices and refresh tokens.
 *
 * Of commands run at once the model accepts whatever some order of them explains, mails in between.
 *
 * The seed is fixed, so that what makes the test fail is a change; the soak draws its own. With MODEL_RUNS, the number
 * of runs, it is random too. A failure prints MODEL_SEED, MODEL_PATH and MODEL_REPLAY, which replay it when
 * the environment of this file holds all three. What depends on the timing of concurrent commands may need several tries.
 */
import { holdAgainstModel } from '../../adversarial/model/suite.ts'
import { providers } from '../../harness/database.ts'

holdAgainstModel({ databases: providers, seed: 21, runs: 60 })
