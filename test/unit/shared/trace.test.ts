import t from 'tap'
import { parseTraceparent, traceFields } from '../../../src/shared/trace.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'
const VALID = `00-${TRACE}-${SPAN}-01`

t.test('a traceparent is parsed as W3C Trace Context says, and anything else is ignored', async t => {
  const cases: [field: unknown, expected: string | null][] = [
    [VALID, VALID],
    [`00-${TRACE}-${SPAN}-00`, `00-${TRACE}-${SPAN}-00`],
    [`01-${TRACE}-${SPAN}-01-later fields`, VALID],
    [`01-${TRACE}-${SPAN}-01`, VALID],
    [`00-${TRACE}-${SPAN}-01-more`, null],
    [`01-${TRACE}-${SPAN}-01.more`, null],
    [`ff-${TRACE}-${SPAN}-01`, null],
    [`00-${'0'.repeat(32)}-${SPAN}-01`, null],
    [`00-${TRACE}-${'0'.repeat(16)}-01`, null],
    [VALID.toUpperCase(), null],
    [`${VALID}, ${VALID}`, null],
    [` ${VALID}`, null],
    [`01-${TRACE}-${SPAN}-01-${'x'.repeat(300)}`, null],
    [`00-${TRACE.slice(1)}-${SPAN}-01`, null],
    [[VALID], null],
    ['', null],
    [undefined, null],
  ]
  const faults = cases.filter(([field, expected]) => parseTraceparent(field) !== expected)
  t.strictSame(faults, [])
  t.strictSame(traceFields(VALID), { trace_id: TRACE, span_id: SPAN, trace_flags: '01' })
  t.strictSame(traceFields(null), {})
})
