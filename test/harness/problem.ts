// Asserts the form of error responses.
import type { Test } from 'tap'
import { Compile } from 'typebox/compile'
import { CATALOGUE, Problem, type ProblemCode } from '../../src/errors.ts'

const schema = Compile(Problem)
const REQUEST_ID = /^[0-9a-f-]{36}$/

/** A response from `inject` or from a socket. */
export interface Answer {
  statusCode: number
  headers: Record<string, unknown>
  body: string
}

/**
 * Asserts that a response is a problem document with this code and the id of its request.
 *
 * @param name case of a table, for the message
 * @returns the document
 */
export function isProblemOf(t: Test, answer: Answer, code: ProblemCode, name: string = code): Problem {
  const [status, title] = CATALOGUE[code]
  const problem = parsed(answer.body)
  // One assertion, because tests make tens of thousands. A failure shows the caller's line.
  t.currentAssert = isProblemOf
  t.strictSame(
    {
      statusCode: answer.statusCode,
      type: String(answer.headers['content-type']).split(';')[0],
      // An invalid document is shown whole.
      document: schema.Check(problem) ? { ...problem, detail: '', errors: [] } : answer.body.slice(0, 500),
      requestId: REQUEST_ID.test(problem.requestId),
      challenge: String(answer.headers['www-authenticate']).split(' ')[0],
    },
    {
      statusCode: status,
      type: 'application/problem+json',
      document: {
        type: `urn:latchkey:problem:${code}`,
        title,
        status,
        code,
        detail: '',
        requestId: answer.headers['x-request-id'],
        errors: [],
      },
      requestId: true,
      // RFC 6750 section 3.1.
      challenge: status === 401 || code === 'insufficient_scope' ? 'Bearer' : 'undefined',
    },
    `${name}: a problem document of ${code}`,
  )
  return problem
}

function parsed(body: string): Problem {
  try {
    return JSON.parse(body)
  } catch {
    return { type: '', title: '', status: 0, code: '' as ProblemCode, detail: '', requestId: '' }
  }
}
