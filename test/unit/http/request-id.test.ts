import t from 'tap'
import { newRequestId } from '../../../src/http/request-id.ts'

t.test('a request id is a UUID of version 7 with the time in front, and no two are equal', async t => {
  const before = Date.now()
  const ids = Array.from({ length: 1000 }, newRequestId)
  const after = Date.now()
  const faults = ids.filter(id => {
    const time = Number.parseInt(id.slice(0, 13).replace('-', ''), 16)
    const isVersion7 = /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/.test(id)
    return !isVersion7 || time < before || time > after
  })
  t.strictSame(faults, [])
  t.equal(new Set(ids).size, ids.length)
})
