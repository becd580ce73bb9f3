/**
 * The catalogue of errors and the one shape in which they leave: RFC 9457 problem details.
 * docs/errors.md lists the same codes; a test holds the two together.
 */
import Type, { type Static } from 'typebox'
import type { SecurityEvent } from './security-events.ts'

/** Every `code` a client can meet, with its HTTP status and its title. */
export const CATALOGUE = {
  validation_failed: [400, 'The request does not have the expected form'],
  malformed_json: [400, 'The body is not valid JSON'],
  bad_request: [400, 'The request is not valid HTTP'],
  token_invalid: [400, 'The token is not valid here'],
  token_expired: [400, 'The token has expired'],
  token_spent: [400, 'The token has been used, or what it was for has changed'],
  code_invalid: [400, 'The code is not right'],
  invalid_credentials: [401, 'Wrong email or password, or the email is not confirmed yet'],
  unauthenticated: [401, 'A valid access token is needed'],
  refresh_token_invalid: [401, 'The refresh token is not valid'],
  invalid_password: [403, 'The current password is wrong'],
  email_not_confirmed: [403, 'The e-mail address is not confirmed yet'],
  account_disabled: [403, 'The account is disabled'],
  origin_not_allowed: [403, 'Cookie mode is not for this origin'],
  not_found: [404, 'There is nothing at this address'],
  method_not_allowed: [405, 'This method is not allowed here'],
  request_timeout: [408, 'The request took too long to arrive'],
  email_taken: [409, 'The e-mail address is taken'],
  payload_too_large: [413, 'The body is too large'],
  unsupported_media_type: [415, 'The body must be application/json'],
  password_rejected: [422, 'The password is not acceptable'],
  rate_limited: [429, 'Too many requests'],
  headers_too_large: [431, 'The header fields are too large'],
  internal_error: [500, 'Something went wrong here'],
  overloaded: [503, 'The service is busy'],
  not_ready: [503, 'The service is not ready'],
} as const satisfies Record<string, readonly [status: number, title: string]>

/** A stable, documented error code. */
export type ProblemCode = keyof typeof CATALOGUE

/** One fault of an invalid input: where it is (JSON pointer) and what is wrong. */
export const Fault = Type.Object(
  { path: Type.String({ maxLength: 1024 }), message: Type.String({ maxLength: 1024 }) },
  { title: 'ValidationError', additionalProperties: false },
)

/** Faults of one input that an answer lists at most. */
export const MAX_FAULTS = 64

/** The body of every error answer (RFC 9457), `application/problem+json`. */
export const Problem = Type.Object(
  {
    type: Type.String({ maxLength: 128, description: 'URN of the code' }),
    title: Type.String({ maxLength: 128 }),
    status: Type.Integer({ minimum: 400, maximum: 599, format: 'int32' }),
    code: Type.Enum(Object.keys(CATALOGUE) as ProblemCode[], {
      type: 'string',
      description: 'stable; what programs look at',
    }),
    detail: Type.String({ maxLength: 1024, description: 'for people; may change' }),
    requestId: Type.String({ maxLength: 64, description: 'the same as in the log' }),
    errors: Type.Optional(
      Type.Array(Fault, { maxItems: MAX_FAULTS, description: 'every fault of the input' }),
    ),
  },
  { $id: 'Problem', additionalProperties: false, description: 'Problem details (RFC 9457)' },
)
export type Problem = Static<typeof Problem>

/** What a thrown problem carries besides its code. */
export interface ProblemOptions {
  /** A sentence for people; the title by default. */
  detail?: string
  errors?: Static<typeof Fault>[]
  /** Seconds after which trying again makes sense; becomes `Retry-After`. */
  retryAfter?: number
  headers?: Record<string, string>
  /** For the log alone. */
  cause?: unknown
  /** The security event in the log, where it is another than that of the code. */
  event?: SecurityEvent
}

/** An error that the error handler turns into a problem document of this code. */
export interface ProblemError extends Error, ProblemOptions {
  name: 'Problem'
  code: ProblemCode
  statusCode: number
}

/**
 * Makes the error to throw for a code of the catalogue.
 *
 * @param code what happened
 * @param options what to tell besides
 */
export function problem(code: ProblemCode, options: ProblemOptions = {}): ProblemError {
  const [statusCode, title] = CATALOGUE[code]
  return Object.assign(withoutStack(options.detail ?? title, options.cause), {
    ...options,
    name: 'Problem' as const,
    code,
    statusCode,
  })
}

/**
 * The refusal of a client that has to wait.
 *
 * @param reason a sentence that says which limit it met
 * @param now the time
 * @param milliseconds how long it has to wait
 */
export function rateLimited(reason: string, now: Date, milliseconds: number): ProblemError {
  const at = new Date(Math.ceil((now.getTime() + milliseconds) / 1000) * 1000)
  const detail = `${reason} Try again at ${at.toISOString().replace('.000Z', 'Z')}.`
  return problem('rate_limited', { detail, retryAfter: Math.max(1, Math.ceil(milliseconds / 1000)) })
}

/**
 * An error that says what a client did needs no stack, and making one for each request of a flood is a sizeable
 * part of what it costs to turn it away.
 */
function withoutStack(message: string, cause: unknown): Error {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return new Error(message, { cause })
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

export function isProblem(error: unknown): error is ProblemError {
  return error instanceof Error && error.name === 'Problem'
}

/**
 * The body of a problem's answer.
 *
 * @param error the problem
 * @param requestId id of the request, as in the log
 */
export function problemDocument(error: ProblemError, requestId: string): Problem {
  const [status, title] = CATALOGUE[error.code]
  return {
    type: `urn:latchkey:problem:${error.code}`,
    title,
    status,
    code: error.code,
    detail: error.detail ?? title,
    requestId,
    ...(error.errors && { errors: error.errors }),
  }
}

/** Codes that every operation with a body may answer with. */
export const BODY_PROBLEMS = [
  'validation_failed',
  'malformed_json',
  'payload_too_large',
  'unsupported_media_type',
] as const satisfies ProblemCode[]

/** Codes that any operation may answer with, whatever it does. */
const UNIVERSAL: ProblemCode[] = ['rate_limited', 'internal_error', 'overloaded']

/**
 * The error half of a route's `response` schema: one entry a status, with an example a code.
 *
 * @param codes the codes this operation answers with, besides those every operation may
 */
export function problems(...codes: ProblemCode[]) {
  const byStatus = new Map<number, ProblemCode[]>()
  for (const code of [...codes, ...UNIVERSAL]) {
    const status = CATALOGUE[code][0]
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  return Object.fromEntries(
    [...byStatus].map(([status, group]) => [
      status,
      {
        description: group.map(code => `\`${code}\`: ${CATALOGUE[code][1]}`).join('; '),
        content: {
          'application/problem+json': {
            // So that a generated client knows the codes of this response.
            schema: {
              allOf: [
                { $ref: 'Problem#' },
                { type: 'object', required: ['code'], properties: { code: { type: 'string', enum: group } } },
              ],
            },
            examples: Object.fromEntries(group.map(code => [code, { value: exampleOf(code) }])),
          },
        },
      },
    ]),
  )
}

function exampleOf(code: ProblemCode): Problem {
  const errors =
    code === 'validation_failed'
      ? [{ path: '/email', message: 'must be one plain e-mail address' }]
      : undefined
  return problemDocument(problem(code, errors ? { errors } : {}), '01936f3e-8a77-7c3b-9d0e-4f1f2f0c6a55')
}
