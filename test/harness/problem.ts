/** What every error answer must be. */
import type { Test } from 'tap'
import { Compile } from 'typebox/compile'
import { CATALOGUE, Problem, type ProblemCode } from '../../src/errors.ts'

const schema = Compile(Problem)
const REQUEST_ID = /^[0-9a-f-]{36}$/

/** An answer, from `inject` or from a socket. */
export interface Answer {
  statusCode: number
  headers: Record<string, unknown>
  body: string
}

/**
 * Asserts that an answer is a problem document of this code and carries its request's id.
 *
 * @param name what was sent, to find the failing one of a table by
 * @returns the document
 */
export function isProblemOf(t: Test, answer: Answer, code: ProblemCode, name: string = code): Problem {
  const [status, title] = CATALOGUE[code]
  const problem = parsed(answer.body)
  // One assertion, since tests make tens of thousands of them; its place is the caller's.
  t.currentAssert = isProblemOf
  t.strictSame(
    {
      statusCode: answer.statusCode,
      type: String(answer.headers['content-type']).split(';')[0],
      // Whatever is not as the schema says is shown whole.
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
