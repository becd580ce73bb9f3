import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import { calculateJwkThumbprint } from 'jose'
import t from 'tap'
import { accessKeys } from '../../../src/tokens/access-keys.ts'
import { deriveKey } from '../../../src/tokens/keys.ts'

const first = 'a signing secret of thirty-two bytes'
const second = 'another signing secret of 32 bytes'
const [pem, other] = [0, 1].map(() =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
) as [string, string]
const kids = (...args: Parameters<typeof accessKeys>) => accessKeys(...args).map(({ jwk }) => jwk.kid)

t.test('a secret has one key, the same on every instance', async t => {
  const [key] = accessKeys({}, [first])
  // If the derivation changes, all issued tokens become invalid.
  t.equal(key.jwk.kid, 'kipKx21Ww_a5V4Rbgo3Z0Bo1viiCroy2lAs-Ll4MMWQ')
  t.equal(key.jwk.kid, await calculateJwkThumbprint(key.jwk), 'by RFC 7638')
  t.strictSame(key.jwk, {
    ...createPublicKey(key.publicKey).export({ format: 'jwk' }),
    ...named(key.jwk.kid),
  })
  const data = Buffer.from('what is signed')
  t.ok(
    verify('sha256', data, key.publicKey, sign('sha256', data, key.privateKey)),
    'the public point matches the scalar',
  )
})

t.test('the scalar is 48 bytes of HKDF, reduced (FIPS 186-5, A.2.1)', async t => {
  const extracted = createHmac('sha256', Buffer.alloc(32)).update(first).digest()
  const label = 'latchkey/1/access/es256'
  const one = createHmac('sha256', extracted).update(`${label}\x01`).digest()
  const two = createHmac('sha256', extracted).update(one).update(`${label}\x02`).digest()
  const drawn = Buffer.concat([one, two]).subarray(0, 48)
  t.equal(deriveKey(first, 'access', 'es256', 48).toString('hex'), drawn.toString('hex'))
  const order = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551')
  const scalar = (BigInt(`0x${drawn.toString('hex')}`) % (order - 1n)) + 1n
  const { d = '' } = createPrivateKey(accessKeys({}, [first])[0].privateKey).export({ format: 'jwk' })
  t.equal(BigInt(`0x${Buffer.from(d, 'base64url').toString('hex')}`), scalar)
})

t.test('every coordinate has 32 bytes', async t => {
  const jwks = Array.from({ length: 600 }, (_, i) => accessKeys({}, [`${first} ${i}`])[0].jwk)
  const lengths = new Set(jwks.flatMap(({ x, y, kid }) => [x.length, y.length, kid.length]))
  t.strictSame([...lengths], [43], 'zeros in front are kept')
})

t.test('selects the signing key and the published keys', async t => {
  const [derived, former] = [kids({}, [first])[0], kids({}, [second])[0]]
  const [own, spare] = [pem, other].map(key => kids({ ACCESS_TOKEN_PRIVATE_KEY: key }, [first])[0])
  const cases: [
    expected: unknown[],
    config: Parameters<typeof accessKeys>[0],
    secrets: [string, ...string[]],
  ][] = [
    [[derived, former], {}, [first, second]],
    [[own], { ACCESS_TOKEN_PRIVATE_KEY: pem }, [first, second]],
    [[derived, own], { ACCESS_TOKEN_PRIVATE_KEY_PREVIOUS: pem }, [first]],
    [
      [own, derived, former],
      { ACCESS_TOKEN_PRIVATE_KEY: pem, ACCESS_TOKEN_PRIVATE_KEY_PREVIOUS: 'derived' },
      [first, second],
    ],
    [[own, spare], { ACCESS_TOKEN_PRIVATE_KEY: pem, ACCESS_TOKEN_PRIVATE_KEY_PREVIOUS: other }, [first]],
    [[own], { ACCESS_TOKEN_PRIVATE_KEY: pem, ACCESS_TOKEN_PRIVATE_KEY_PREVIOUS: pem }, [first]],
  ]
  for (const [expected, config, secrets] of cases) t.strictSame(kids(config, secrets), expected)
})

const named = (kid: string) => ({ alg: 'ES256', use: 'sig', kid })
