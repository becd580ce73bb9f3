/**
 * Codes that go out beside a mailed link: what a request with one looks like, and whom it speaks for.
 */
import type { Static } from 'typebox'
import type { Database } from '../database/index.ts'
import { problem } from '../errors.ts'
import { countTry } from '../passwords/code-tries.ts'
import { BoundToken } from '../tokens/bound.ts'
import { boundParts, type Fingerprinted } from '../tokens/fingerprint.ts'
import { CODE_DIGITS, type MailRequest, type MailRequests } from '../tokens/mail-requests.ts'
import { MailedCode, pastedCode } from '../tokens/pasted.ts'

/** Properties of a body that has a code instead of a link's token. */
export const byCode = { requestToken: BoundToken, code: MailedCode(CODE_DIGITS) }

/** Those properties, checked. */
export interface CodeProof {
  requestToken: Static<typeof byCode.requestToken>
  code: Static<typeof byCode.code>
}

/** What a flow adds to the check of a code. */
export interface CodeFlow<Claims, Found> {
  /** Refuses what must spend nothing, such as a password that the policy rejects, before the try is counted. */
  assertAcceptable?(request: MailRequest<Claims>): void
  /** Whom the code speaks for; undefined where no mail with a code goes out. Costs the same for every address. */
  find(request: MailRequest<Claims>): Promise<Found | undefined>
}

/**
 * Checks the code of a request: that of the mail that serves it, which may serve others too, as long as the
 * code lives from when the mail was sent. Counts a try by request and by address, for an address that nobody
 * knows too, and says no more of it than of a wrong code. Spends nothing else.
 *
 * @returns what `find` found
 * @throws {ProblemError} `token_invalid`, `token_expired`, `code_invalid`, and what `assertAcceptable` throws
 */
export async function redeemCode<Claims extends object, Found extends { subject: Fingerprinted }>(
  { database, clock }: { database: Pick<Database, 'guesses' | 'mailTurns'>; clock: () => Date },
  requests: MailRequests<Claims>,
  { requestToken, code }: CodeProof,
  flow: CodeFlow<Claims, Found>,
): Promise<Found> {
  const request = requests.verify(requestToken)
  const { email, requestId, claims, expiresAt } = request
  flow.assertAcceptable?.(request)
  const { purpose, codes, codeTtl } = requests
  // An address that others ask for as well must not lose its tries to them.
  const owner = [email, ...Object.values(claims)].join(' ')
  const attemptAllowed = await countTry({ database, clock }, { purpose, requestId, expiresAt, owner })

  const found = await flow.find(request)
  const subject = found?.subject ?? { id: 'nobody', email, passwordHash: 'none' }
  const since = new Date(clock().getTime() - codeTtl * 1000)
  const codeId = await database.mailTurns.codeIdOf(requestId, since)
  const right = codes.matches(pastedCode(code), codeId ?? requestId, ...boundParts(subject))
  if (found === undefined || codeId === undefined || !right || !attemptAllowed) throw problem('code_invalid')
  return found
}
