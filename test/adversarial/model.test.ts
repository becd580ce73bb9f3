/**
 * A model against the real thing. Chance does everything that can be done to two or three addresses,
 * one thing after another or several at once, while the clock moves; a small model (model/state.ts and
 * the rules beside it) says what must come of it.
 *
 * After each step: the answer, the mails that were sent, the rows, which password the stored hash is of,
 * the refresh token that each session holds, the history (which only grows), and all that can be tried
 * without spending it: access tokens, reset links by their check, confirmation links and links to
 * another address with a wrong password, tokens of a change and of a request with a password that the
 * policy refuses, notices with an address that is not theirs. (What is dead for good, in turn.) At the end of a run, since it spends something or leaves a trace: every password at
 * every address, and codes, links, notices and refresh tokens that chance picks.
 *
 * Of things done at once the model accepts whatever some order of them explains, mails in between.
 *
 * These few runs are the same each time, so that what makes them fail is a change; test/system/long makes
 * many by chance, on both databases. MODEL_RUNS is another number of them, by chance unless MODEL_SEED is set.
 *
 * A failure of either prints MODEL_SEED, MODEL_PATH and MODEL_REPLAY: with these three in the environment of
 * the same file it comes again. (What depends on the timing of things done at once may need several tries.)
 */
import { provider } from '../harness/database.ts'
import { holdAgainstModel } from './model/suite.ts'

holdAgainstModel({ databases: [{ provider, skip: false }], runs: 9, seed: 21 })
