/** What every error answer must be. */
import type { Test } from 'tap'
import { Compile } from 'typebox/compile'
import { CATALOGUE, Problem, type ProblemCode } from '../../src/errors.ts'

const schema = Compile(Problem)

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
  let document: unknown
  try {
    document = JSON.parse(answer.body)
  } catch {
    t.fail(`${name}: the body is JSON`, { body: answer.body.slice(0, 200) })
    return { type: '', title: '', status: 0, code: '', detail: '', requestId: '' }
  }
  t.equal(answer.statusCode, status, `${name}: status of ${code}`)
  t.match(answer.headers['content-type'], /^application\/problem\+json\b/, `${name}: content type`)
  t.ok(schema.Check(document), `${name}: as the schema says`, { document })
  const problem = document as Problem
  t.match(
    problem,
    { type: `urn:latchkey:problem:${code}`, title, status, code, requestId: /^[0-9a-f-]{36}$/ },
    `${name}: members`,
  )
  t.equal(answer.headers['x-request-id'], problem.requestId, `${name}: x-request-id`)
  return problem
}
