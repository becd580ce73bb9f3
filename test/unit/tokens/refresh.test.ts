import { createHash } from 'node:crypto'
import t from 'tap'
import { v7 as uuidv7 } from 'uuid'
import { refreshTokens } from '../../../src/tokens/refresh.ts'

const [old, next] = ['the old secret of thirty-two bytes!!', 'the next secret of thirty-two bytes!']
const byOld = refreshTokens([old])
const byBoth = refreshTokens([next, old])
const byNext = refreshTokens([next])

t.test('a first token is random and names its session', async t => {
  const id = uuidv7()
  const { token, hash } = byOld.first(id)
  t.match(token, /^[\w-]{86}$/)
  t.not(byOld.first(id).token, token)
  t.equal(hash, createHash('sha256').update(token).digest('base64url'))
  t.match(byOld.parse(token), { sessionId: id, hash, genuine: true })
})

t.test('the successor can be derived with the secret only', async t => {
  const { token } = byOld.first(uuidv7())
  const [successor] = byOld.parse(token)?.successors ?? []
  t.strictSame(refreshTokens([old]).parse(token)?.successors[0], successor)
  t.not(byNext.parse(token)?.successors[0]?.token, successor?.token)
  t.not(successor?.token, token)
  const parsed = byOld.parse(successor?.token ?? '')
  t.match(parsed, { sessionId: byOld.parse(token)?.sessionId, hash: successor?.hash, genuine: true })
  t.not(parsed?.successors[0]?.token, successor?.token, 'and so on')
})

t.test('tokens stay the same across a change of secrets', async t => {
  const { token, hash } = byOld.first(uuidv7())
  const [issuedBefore] = byOld.parse(token)?.successors ?? []
  t.match(byBoth.parse(token), { hash, genuine: true })
  t.strictSame(byBoth.parse(token)?.successors[1], issuedBefore, 'earlier tokens still match')
  const [issuedNow] = byBoth.parse(token)?.successors ?? []
  t.equal(byNext.parse(issuedNow?.token ?? '')?.genuine, true, 'the current secret derives new ones')
  t.equal(byOld.parse(issuedNow?.token ?? '')?.genuine, false)
  t.match(byNext.parse(token), { hash, genuine: false })
})

t.test('a modified token is another token', async t => {
  const { token, hash } = byOld.first(uuidv7())
  for (let position = 0; position < token.length; position++) {
    const changed = token[position] === 'x' ? 'y' : 'x'
    const parsed = byOld.parse(token.slice(0, position) + changed + token.slice(position + 1))
    if (parsed === undefined) continue
    t.equal(parsed.genuine, false)
    t.not(parsed.hash, hash)
  }
})

t.test('a string in another form is not a token', async t => {
  const { token } = byOld.first(uuidv7())
  const spellings = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_']
    .map(last => token.slice(0, -1) + last)
    .filter(spelling => Buffer.from(spelling, 'base64url').equals(Buffer.from(token, 'base64url')))
  t.equal(spellings.length, 16)
  t.equal(spellings.filter(spelling => byOld.parse(spelling) !== undefined).length, 1, 'one spelling')
  for (const text of ['', token.slice(1), `${token}A`, ` ${token}`, `${token}\n`, token.replace(/^./, '+')]) {
    t.equal(byOld.parse(text), undefined)
  }
  t.equal(byOld.parse(Buffer.alloc(64, 0x11).toString('base64url')), undefined, 'its id is no uuid')
})
