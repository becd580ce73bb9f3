/** Bodies with a link's token or an email's code, and the verification of the code with its `requestToken`. */
import Type, { type Static } from 'typebox'
import type { Database } from '../database/index.ts'
import { problem } from '../errors.ts'
import { oneOf } from '../http/route-types.ts'
import { boundParts, type Fingerprinted } from '../tokens/fingerprint.ts'
import { CODE_DIGITS, type MailRequest, type MailRequests } from '../tokens/mail-requests.ts'
import { MailedCode, MailedToken, pastedCode, ReturnedToken } from '../tokens/pasted.ts'
import { EXAMPLE_TOKEN } from './accepted.ts'
import { countAttempt } from './code-attempts.ts'

const byCode = { requestToken: ReturnedToken, code: MailedCode(CODE_DIGITS) }

/**
 * A body that proves access to a mailbox, by the token of a link or by the code of the same email.
 *
 * @param rest further properties
 * @param examples values of `rest`
 */
export const linkOrCode = <Rest extends Type.TProperties>(rest: Rest, examples: object[]) =>
  oneOf(
    [
      Type.Object(
        { token: MailedToken, ...rest },
        { additionalProperties: false, description: 'with the `token` of the link' },
      ),
      Type.Object(
        { ...byCode, ...rest },
        {
          additionalProperties: false,
          description: 'with the `requestToken` of the request and the `code` of the email',
        },
      ),
    ],
    {
      examples: [
        ...examples.map(example => ({ token: EXAMPLE_TOKEN, ...example })),
        { requestToken: EXAMPLE_TOKEN, code: '12345678', ...examples[0] },
      ],
    },
  )

export interface CodeProof {
  requestToken: Static<typeof byCode.requestToken>
  code: Static<typeof byCode.code>
}

export interface CodeFlow<Claims, Found> {
  /** Runs before the attempt is counted, so that a rejected password costs none. */
  assertAcceptable?(request: MailRequest<Claims>): void
  /** Must cost the same for every email. Returns undefined if no email with a code is sent. */
  find(request: MailRequest<Claims>): Promise<Found | undefined>
}

/**
 * Verifies a code and counts the attempt by request and by email, whether an account exists or not. One email
 * can serve several requests; the code lives from when it was sent.
 * @returns what `find` found
 * @throws {ProblemError} `token_invalid`, `token_expired`, `code_invalid`, and what `assertAcceptable` throws
 */
export async function redeemCode<Claims extends object, Found extends { subject: Fingerprinted }>(
  { database, clock }: { database: Pick<Database, 'codeAttempts' | 'mailTurns'>; clock: () => Date },
  requests: MailRequests<Claims>,
  { requestToken, code }: CodeProof,
  flow: CodeFlow<Claims, Found>,
): Promise<Found> {
  const request = requests.verify(requestToken)
  const { email, requestId, claims, expiresAt } = request
  flow.assertAcceptable?.(request)
  const { purpose, codes, codeTtl } = requests
  // Requests of others for the same email must not use up the owner's attempts.
  const owner = [email, ...Object.values(claims)].join(' ')
  const attemptAllowed = await countAttempt({ database, clock }, { purpose, requestId, expiresAt, owner })

  const found = await flow.find(request)
  const subject = found?.subject ?? { id: 'nobody', email, passwordHash: 'none' }
  const since = new Date(clock().getTime() - codeTtl * 1000)
  const codeId = await database.mailTurns.codeIdOf(requestId, since)
  const right = codes.matches(pastedCode(code), codeId ?? requestId, ...boundParts(subject))
  if (found === undefined || codeId === undefined || !right || !attemptAllowed) throw problem('code_invalid')
  return found
}
