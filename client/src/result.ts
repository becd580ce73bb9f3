/** What a call resolves to: its data, or the problem. No call rejects. */
import type { components, operations } from './api.ts'

/** Names of the operations in the OpenAPI document. */
export type Operation = keyof operations

type Responses<O extends Operation> = operations[O]['responses']
type ContentOf<R, Media extends string> = R extends { content: Record<Media, infer Body> } ? Body : never
type Success<O extends Operation> = Extract<keyof Responses<O>, 200 | 201 | 202>

/** The body of a successful response; undefined where there is none. */
export type Data<O extends Operation> = [Success<O>] extends [never]
  ? undefined
  : ContentOf<Responses<O>[Success<O>], 'application/json'>

/** The JSON body that an operation takes. */
export type Body<O extends Operation> = operations[O] extends { requestBody?: infer B }
  ? ContentOf<NonNullable<B>, 'application/json'>
  : never

/** A problem document (RFC 9457) with the codes that the operation declares. */
export type ServiceProblem<O extends Operation> = O extends Operation
  ? ContentOf<Responses<O>[keyof Responses<O>], 'application/problem+json'>
  : never

/**
 * A problem that the service did not report.
 *
 * - `network`: no response, or one that was cut off; the request may have been processed
 * - `timeout`: no complete response in time; the request may have been processed
 * - `unexpected_response`: something in between answered in another form; `status` is its status
 * - `storage`: the storage of the refresh token failed
 */
export interface LocalProblem<
  Code extends string = 'network' | 'timeout' | 'unexpected_response' | 'storage',
> {
  code: Code
  status: number
  detail: string
  errors?: undefined
}

/** Why a call failed. A `switch` over `code` is checked by the compiler. */
export type Problem<O extends Operation, Extra extends string = never> = (
  | ServiceProblem<O>
  | LocalProblem
  | ([Extra] extends [never] ? never : LocalProblem<Extra>)
) & {
  /** Seconds after which another try makes sense, as the service says. */
  retryAfter?: number
}

/** The result of an operation. */
export type Result<O extends Operation, D = Data<O>, Extra extends string = never> =
  | { ok: true; data: D }
  | { ok: false; problem: Problem<O, Extra> }

/** Which member of the body is at fault. */
export type ValidationError = components['schemas']['ValidationError']

/** An error with the code of a local problem. */
export class Fault extends Error {
  readonly code: LocalProblem['code']
  constructor(code: LocalProblem['code'], cause?: unknown) {
    super(cause instanceof Error ? cause.message : code)
    this.code = code
  }
}

/** Makes a result of what openapi-fetch resolves to or rejects with. */
export async function resultOf<O extends Operation>(
  reply: Promise<{ data?: unknown; error?: unknown; response: Response }>,
): Promise<Result<O>> {
  try {
    const { data, error, response } = await reply
    if (response.ok) return { ok: true, data: data as Data<O> }
    const problem = isProblem(error) ? error : local('unexpected_response', response.status)
    const retryAfter = Number(response.headers.get('retry-after'))
    return { ok: false, problem: { ...problem, ...(retryAfter > 0 && { retryAfter }) } as Problem<O> }
  } catch (error) {
    // openapi-fetch throws what JSON.parse throws where a response of status 200 is no JSON.
    const code = error instanceof Fault ? error.code : 'unexpected_response'
    return { ok: false, problem: local(code, 0, String(error)) as Problem<O> }
  }
}

/** A problem that the service did not report. */
export function local<Code extends string>(
  code: Code,
  status = 0,
  detail: string = code,
): LocalProblem<Code> {
  return { code, status, detail }
}

function isProblem(value: unknown): value is { code: string } {
  return typeof (value as { code?: unknown } | null | undefined)?.code === 'string'
}
