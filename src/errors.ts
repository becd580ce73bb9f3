/** The catalogue of error codes and the problem document (RFC 9457); docs/errors.md lists the codes. */
import Type, { type Static } from 'typebox'
import type { SecurityEvent } from './security-events.ts'

/** Every `code`, with its HTTP status and title. */
export const CATALOGUE = {
  validation_failed: [400, 'The request is invalid'],
  malformed_json: [400, 'The body is not valid JSON'],
  bad_request: [400, 'The request is not valid HTTP'],
  token_invalid: [400, 'The token is invalid'],
  token_expired: [400, 'The token has expired'],
  token_spent: [400, 'The token has already been used or is superseded'],
  code_invalid: [400, 'The code is wrong'],
  invalid_credentials: [401, 'Wrong email or password, or the email is not confirmed yet'],
  unauthenticated: [401, 'A valid access token is required'],
  api_key_invalid: [401, 'A valid API key is required'],
  refresh_token_invalid: [401, 'The refresh token is not valid'],
  invalid_password: [403, 'The current password is wrong'],
  email_not_confirmed: [403, 'The email is not confirmed yet'],
  account_disabled: [403, 'The account is disabled'],
  insufficient_scope: [403, 'The API key lacks a scope'],
  origin_not_allowed: [403, 'Cookie mode is not allowed for this origin'],
  not_found: [404, 'The resource does not exist'],
  method_not_allowed: [405, 'The resource does not allow this method'],
  request_timeout: [408, 'The request took too long to arrive'],
  email_taken: [409, 'The email is already in use'],
  mail_not_changeable: [409, 'The state of the email does not allow this'],
  payload_too_large: [413, 'The body is too large'],
  unsupported_media_type: [415, 'The body must be application/json'],
  password_rejected: [422, 'The password is not acceptable'],
  rate_limited: [429, 'Too many requests'],
  headers_too_large: [431, 'The header fields are too large'],
  internal_error: [500, 'Internal server error'],
  overloaded: [503, 'The service is overloaded'],
  not_ready: [503, 'The service is not ready'],
} as const satisfies Record<string, readonly [status: number, title: string]>

export type ProblemCode = keyof typeof CATALOGUE

/** Codes of the operators' API alone. */
export type OperatorProblemCode = 'api_key_invalid' | 'insufficient_scope' | 'mail_not_changeable'

/** One invalid input: its place (JSON pointer) and the reason. */
export const Fault = Type.Object(
  { path: Type.String({ maxLength: 1024 }), message: Type.String({ maxLength: 1024 }) },
  { title: 'ValidationError', additionalProperties: false },
)

export const MAX_FAULTS = 64

/** The body of every error response (RFC 9457), `application/problem+json`. */
export const Problem = Type.Object(
  {
    type: Type.String({ maxLength: 128, description: 'URN of the code' }),
    title: Type.String({ maxLength: 128 }),
    status: Type.Integer({ minimum: 400, maximum: 599, format: 'int32' }),
    code: Type.Enum(Object.keys(CATALOGUE) as ProblemCode[], {
      type: 'string',
      description: 'stable; decide by it',
    }),
    detail: Type.String({ maxLength: 1024, description: 'for people, may change' }),
    requestId: Type.String({ maxLength: 64, description: 'as in the log' }),
    errors: Type.Optional(Type.Array(Fault, { maxItems: MAX_FAULTS, description: 'every invalid input' })),
  },
  { $id: 'Problem', additionalProperties: false, description: 'Problem details (RFC 9457)' },
)
export type Problem = Static<typeof Problem>

/** What a problem carries besides its code. */
export interface ProblemOptions {
  /** A sentence for people; by default the title. */
  detail?: string
  errors?: Static<typeof Fault>[]
  /** Seconds until a retry makes sense, sent as `Retry-After`. */
  retryAfter?: number
  headers?: Record<string, string>
  /** Logged, never sent. */
  cause?: unknown
  /** Security event for the log, if it differs from the event of the code. */
  event?: SecurityEvent
}

/** An error that the error handler sends as a problem document. */
export interface ProblemError extends Error, ProblemOptions {
  name: 'Problem'
  code: ProblemCode
  statusCode: number
}

/** Creates the error to throw for a code of the catalogue. */
export function problem(code: ProblemCode, options: ProblemOptions = {}): ProblemError {
  const [statusCode, title] = CATALOGUE[code]
  return Object.assign(withoutStack(options.detail ?? title, options.cause), {
    ...options,
    name: 'Problem' as const,
    code,
    statusCode,
  })
}

/** Creates the error for a client over a rate limit that `reason` names. It may retry in `milliseconds`. */
export function rateLimited(reason: string, now: Date, milliseconds: number): ProblemError {
  const at = new Date(Math.ceil((now.getTime() + milliseconds) / 1000) * 1000)
  const detail = `${reason} Try again at ${at.toISOString().replace('.000Z', 'Z')}.`
  return problem('rate_limited', { detail, retryAfter: Math.max(1, Math.ceil(milliseconds / 1000)) })
}

// A stack costs more than the rest of a refusal, which matters in a flood.
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

/** Codes of every operation with a body. */
export const BODY_PROBLEMS = [
  'validation_failed',
  'malformed_json',
  'payload_too_large',
  'unsupported_media_type',
] as const satisfies ProblemCode[]

/** Codes of every operation. */
const UNIVERSAL: ProblemCode[] = ['rate_limited', 'internal_error', 'overloaded']

/**
 * Builds the error part of a `response` schema: an entry per status, an example per code.
 * @param codes codes of this operation, in addition to the universal ones
 * @returns as `object`, so that the type of a route's response is that of its success alone
 */
export function problems(...codes: ProblemCode[]): object {
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
            // Generated clients then know the codes of this response.
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
      ? [{ path: '/email', message: 'must be one plain email address' }]
      : undefined
  return problemDocument(problem(code, errors ? { errors } : {}), '01936f3e-8a77-7c3b-9d0e-4f1f2f0c6a55')
}
